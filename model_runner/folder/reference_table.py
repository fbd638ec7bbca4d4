"""The reference file as a table: names, and each column with what it is."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from msgspec.structs import replace
from pyarrow import csv, parquet

from model_runner.errors import ModelError
from model_runner.folder import arrow_columns, csv_columns
from model_runner.folder.csv_columns import Cells
from model_runner.folder.csv_dialect import Csv, read_csv_text
from model_runner.folder.manifest import CsvDialect
from model_runner.folder.reference import MOST_VALUES
from model_runner.folder.toml_file import TOML_FILE
from model_runner.folder.unusable_columns import UnusableColumnError
from model_runner.schema.dtypes import CATEGORY, EMPTY, is_datetime
from model_runner.schema.schema import Feature, Holds, Kind

Column = tuple[Feature, list[Any]]
_INDEX = "the index of pandas"
_MOST_TOLD = 3
"""Columns of which the same is said."""
_LARGEST_BLOCK = 2**31 - 1


class CsvTable:
    """A CSV file, every cell of it text until somebody says what the column is.

    Attributes:
        names: of the columns, in order.
        rows: how many.
        indexes: columns that look like the index of a frame, and why.
        notes: what the file was read as.
        unusable: columns that no feature can be, once they were looked at, and why.
    """

    def __init__(self, path: Path, dialect: CsvDialect) -> None:
        self.unusable: dict[str, str] = {}
        self._file = path.name
        self._told = 0
        found = read_csv_text(path.read_bytes(), path.name, dialect.encoding, dialect.separator)
        self.names = _named(found.header)
        _refuse_twice(self.names, path.name)
        self._table = _texts(found, self.names, path.name)
        self.rows = self._table.num_rows
        self.notes = found.notes
        self._decimal = dialect.decimal or self._guessed_decimal(found)
        self.indexes = self._indexes(found.header)

    def column(self, name: str, declared: Feature | None) -> Column:
        """What the column is, and its values. Raises ModelError where it is not as declared."""
        cells = self._cells(name)
        if declared is not None:
            return csv_columns.as_declared(cells, declared)
        found = csv_columns.observed(cells)
        word = csv_columns.missing_word(cells) if found[0].holds is Holds.STRING else None
        if word is not None:
            self._tell(name, word)
        return found

    def _tell(self, name: str, word: str) -> None:
        """Of text that pandas takes for none."""
        self._told += 1
        if self._told <= _MOST_TOLD:
            note = f"{name!r} has {word!r} among its text, which is text here and is missing to pandas by default"
            self.notes = (
                *self.notes,
                f"{note} (keep_default_na): if the training had it missing, leave the cells empty",
            )

    def times(self, name: str) -> Any:
        """The column as Arrow's, numbers where it has nothing but numbers."""
        cells = self._cells(name)
        values = csv_columns.observed(cells)[1]
        lost = values.count(None) > sum(cells.is_empty.to_pylist())
        return pa.array(csv_columns.texts(cells) if lost else values)

    def _cells(self, name: str) -> Cells:
        return Cells(self._table.column(name), name, self._file, self._decimal)

    def _guessed_decimal(self, found: Csv) -> str:
        if found.separator == "," or not csv_columns.has_decimal_commas(self._table.columns):
            return "."
        self.notes = (*self.notes, "its numbers have decimal commas")
        return ","

    def _indexes(self, header: Sequence[str]) -> dict[str, str]:
        """A first column without a name that numbers the rows: what `to_csv` writes of a frame's index."""
        first = self.names[0]
        if header[0] not in {"", first} or not first.startswith("Unnamed: 0"):
            return {}
        feature, values = csv_columns.observed(self._cells(first))
        numbers_rows = feature.dtype == "int64" and len(set(values)) == len(values)
        return {first: _INDEX} if numbers_rows else {}


class ParquetTable:
    """A Parquet file; attributes as of a CsvTable."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.unusable: dict[str, str] = {}
        self._file = path.name
        with parquet.ParquetFile(path) as file:
            # What the file says of itself, before it is unpacked; what it says may be untrue.
            _refuse_many(file.metadata, path.name)
            _refuse_twice(file.schema_arrow.names, path.name)
            self._table = file.read()
        _refuse_many(self._table, path.name)
        self.names = list(self._table.column_names)
        self.rows = self._table.num_rows
        self._written = arrow_columns.pandas_types(self._table.schema)
        indexes = arrow_columns.index_columns(self._table.schema)
        self.indexes = {name: _INDEX for name in self.names if name in indexes}

    def column(self, name: str, declared: Feature | None) -> Column:
        """What the column is, and its values. Raises ModelError where it is not as declared."""
        try:
            found = arrow_columns.observed(self._table.column(name), name, self._written.get(name, ""), self._file)
        except UnusableColumnError as error:
            if declared is not None:
                raise
            # Whether the model wants it, it alone knows.
            self.unusable[name] = error.why
            return Feature(name=name, kind=Kind.CATEGORICAL, dtype=EMPTY), [None] * self.rows
        return found if declared is None else _declared(declared, *found, self._file)

    def times(self, name: str) -> Any:
        """The column as Arrow's."""
        return self._table.column(name)


def _declared(declared: Feature, found: Feature, values: list[Any], file: str) -> Column:
    """What was declared, with the dtype that the file has."""
    dtype = declared.dtype or found.dtype
    text = found.kind is Kind.CATEGORICAL and found.holds is Holds.STRING
    if declared.kind is Kind.DATETIME:
        if found.kind is not Kind.DATETIME and not text:
            raise _misdeclared(declared, found, file)
        return replace(declared, dtype=dtype if is_datetime(dtype) else ""), values
    if declared.kind is Kind.CATEGORICAL:
        if declared.holds is Holds.STRING and not text and found.kind is not Kind.DATETIME:
            return declared, [None if value is None else str(value) for value in values]
        if found.dtype == CATEGORY and not declared.dtype:
            return replace(declared, dtype=dtype, categories=found.categories, ordered=found.ordered), values
        return replace(declared, dtype="" if is_datetime(dtype) else dtype), values
    if text and any(value is not None for value in values):
        raise _misdeclared(declared, found, file)
    if declared.kind is Kind.BOOLEAN:
        values = [None if value is None else bool(value) for value in values]
        return replace(declared, dtype="object" if None in values else "bool"), values
    return replace(declared, dtype="float64" if dtype == EMPTY else dtype), values


def _misdeclared(declared: Feature, found: Feature, file: str) -> ModelError:
    problem = f"column {declared.name!r} is declared {declared.kind.value} and holds {found.kind.value} values"
    return ModelError(file, problem, f"Correct [features] in {TOML_FILE}, or write the column so")


def _named(header: Sequence[str]) -> list[str]:
    """A column without a name is called as pandas calls it."""
    return [name or f"Unnamed: {number}" for number, name in enumerate(header)]


def _texts(found: Csv, names: list[str], file: str) -> Any:
    if not names:
        raise ModelError(file, "has no rows or no feature columns", "Put the training data in it, or remove it")
    table = csv.read_csv(
        pa.py_buffer(found.content),
        # One block: a record that lies across two of them could not be read.
        read_options=csv.ReadOptions(block_size=min(max(len(found.content), 1 << 20), _LARGEST_BLOCK)),
        parse_options=csv.ParseOptions(delimiter=found.separator, newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(found.header, pa.string())),
    )
    _refuse_many(table, file)
    return table.rename_columns(names)


def _refuse_many(table: Any, file: str) -> None:
    """Before they become objects of Python, which take many times as much."""
    if table.num_rows * table.num_columns > MOST_VALUES:
        raise ModelError(
            file,
            f"has {table.num_rows:,} rows of {table.num_columns:,} columns; the most is {MOST_VALUES:,} values",
            "Take a sample of the rows: 100,000 are plenty for a reference",
        )


def _refuse_twice(names: Sequence[str], file: str) -> None:
    counts = Counter(names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        listed = ", ".join(map(repr, twice[:10]))
        times = "twice" if all(counts[name] == 2 for name in twice) else "several times"
        raise ModelError(file, f"has the column {listed} {times}", "Rename or remove all but one")
