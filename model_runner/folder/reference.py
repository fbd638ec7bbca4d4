"""The reference: the data that a model was trained on, by columns, from `reference.csv` or `reference.parquet`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest
from model_runner.folder.row_times import read_times
from model_runner.folder.settling import as_text, text_names
from model_runner.folder.toml_file import TOML_FILE
from model_runner.names import nearest
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

Row = dict[str, Any]
FEW = 100
"""Different values; a target of more is a quantity."""
MOST_VALUES = 10_000_000
"""Rows times columns."""


@dataclass(frozen=True)
class Reference:
    """Columns of one length; None is a missing value. Target, timestamp and ignored columns are not among them."""

    file: str
    features: tuple[Feature, ...]
    columns: dict[str, list[Any]]
    times: list[float | None] | None = None
    """Seconds since the epoch of each row, None where it has none; None altogether without a timestamp column."""
    indexes: dict[str, str] = field(default_factory=dict)
    """Columns that look like the index of a frame, and why: features only of a model that was fitted on them."""
    unusable: dict[str, str] = field(default_factory=dict)
    """Columns of a type that no feature can have, and why: of these nothing was read."""
    notes: tuple[str, ...] = ()
    """What it was read as, where that is not what one would think."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def few_values(self) -> dict[str, tuple[Any, ...]]:
        """The different values of each column that has few: one may be the target."""
        found = {name: dict.fromkeys(values) for name, values in self.columns.items()}
        return {name: tuple(values) for name, values in found.items() if 1 < len(values) <= FEW}

    def settled(self, schema: InputSchema | None) -> "Reference":
        """What of it the model takes: without columns that were left out, whole numbers as text where it has text."""
        if schema is None:
            return self
        features = tuple(feature for feature in schema.features if feature.name in self.columns)
        texts = text_names(schema)
        columns = {
            each.name: [as_text(value) for value in self.columns[each.name]]
            if each.name in texts
            else self.columns[each.name]
            for each in features
        }
        return replace(self, features=features, columns=columns)

    def rows(self, start: int, stop: int) -> list[Row]:
        """Rows start..stop-1 as instances."""
        names = list(self.columns)
        parts = [self.columns[name][start:stop] for name in names]
        return [dict(zip(names, values, strict=True)) for values in zip(*parts, strict=True)]

    def batches(self, size: int) -> Iterator[list[Row]]:
        """All rows as instances, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.rows(start, start + size)


def read_reference(manifest: Manifest) -> Reference | None:
    """The folder's reference without the columns that are no features; None where there is none.

    Raises:
        ModelError: it cannot be read, is empty, lacks a column that tidegate.toml names, or its timestamps are none.
    """
    path = manifest.reference_file
    if path is None:
        return None
    from pyarrow import lib  # noqa: PLC0415 - 60 MB that a runner of a sealed model need not load

    try:
        return _reference(manifest, path)
    except MemoryError:  # Arrow's own is one of its errors, too: that is no fault of the file
        raise
    except (lib.ArrowException, UnicodeDecodeError, OverflowError, OSError) as error:
        # Names and values are decoded when they are first looked at: long after the file could be opened.
        raise ModelError(path.name, f"cannot be read: {error}", "Save it again, with one header line if CSV") from error


def _reference(manifest: Manifest, path: Path) -> Reference:
    from model_runner.folder.reference_table import CsvTable, ParquetTable  # noqa: PLC0415 - as above

    is_parquet = path.suffix == ".parquet"
    table = ParquetTable(path) if is_parquet else CsvTable(path, manifest.reference_csv)
    timestamp = manifest.reference_timestamp
    named = (*manifest.reference_ignore, manifest.reference_target, timestamp)
    dropped = [name for name in named if name is not None]
    _refuse_absent(dropped, table.names, path.name)
    declared = {feature.name: feature for feature in manifest.features or ()}
    kept = [name for name in table.names if name not in dropped]
    if not kept or not table.rows:
        raise ModelError(path.name, "has no rows or no feature columns", "Put the training data in it, or remove it")
    found = [table.column(name, declared.get(name)) for name in kept]
    columns = {feature.name: values for feature, values in found}
    times = None if timestamp is None else read_times(table.times(timestamp), timestamp, path.name)
    features = tuple(feature for feature, _ in found)
    return Reference(path.name, features, columns, times, table.indexes, table.unusable, table.notes)


def _refuse_absent(named: Sequence[str], columns: Sequence[str], file: str) -> None:
    for name in named:
        if name not in columns:
            meant = nearest(name, columns, most=1)
            fix = f"Did you mean {meant[0]!r}?" if meant else f"Its columns: {', '.join(columns)}"
            raise ModelError(TOML_FILE, f"[reference] names column {name!r}, which {file} lacks", fix)


def features_of_rows(rows: Sequence[Row]) -> tuple[Feature, ...] | None:
    """The features of instances, in order of appearance, typed by their non-null values (without any: numeric).

    None where one holds a list or an object: no feature can, and only the model knows what may be in them.
    """
    if any(isinstance(value, list | dict) for row in rows for value in row.values()):
        return None
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(_observed(name, [row.get(name) for row in rows]) for name in names)


def _observed(name: str, values: Sequence[object]) -> Feature:
    types = {type(value) for value in values if value is not None}
    missing = None in values
    if types and types <= {bool}:
        return Feature(name=name, kind=Kind.BOOLEAN, dtype="" if missing else "bool")
    if types <= {int, float}:
        # As pandas would make a column of them.
        return Feature(name=name, kind=Kind.NUMERIC, dtype="int64" if types == {int} and not missing else "float64")
    holds = Holds.STRING if types == {str} else Holds.ANY
    return Feature(name=name, kind=Kind.CATEGORICAL, holds=holds)
