"""The reference: the data that a model was trained on, by columns, from `reference.csv` or `reference.parquet`."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runner.errors import ModelError
from model_runner.manifest import Manifest
from model_runner.names import nearest
from model_runner.row_times import read_times
from model_runner.schema import Feature, Holds, Kind
from model_runner.toml_file import TOML_FILE

Row = dict[str, Any]
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

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

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
    table = _read(path)
    _refuse_many(table, path.name)
    timestamp = manifest.reference_timestamp
    named = (*manifest.reference_ignore, manifest.reference_target, timestamp)
    dropped = [name for name in named if name is not None]
    _refuse_absent(dropped, table.column_names, path.name)
    kept = [name for name in table.column_names if name not in dropped]
    if not kept or not table.num_rows:
        raise ModelError(path.name, "has no rows or no feature columns", "Put the training data in it, or remove it")
    declared = {feature.name: feature for feature in manifest.features or ()}
    features = tuple(declared.get(name) or _feature(name, table.column(name).type, path.name) for name in kept)
    columns = {feature.name: _values(table.column(feature.name), feature) for feature in features}
    times = None if timestamp is None else read_times(table.column(timestamp), timestamp, path.name)
    return Reference(path.name, features, columns, times)


def _refuse_many(table: Any, file: str) -> None:
    """Before they become objects of Python, which take many times as much."""
    if table.num_rows * table.num_columns > MOST_VALUES:
        raise ModelError(
            file,
            f"has {table.num_rows:,} rows of {table.num_columns:,} columns; the most is {MOST_VALUES:,} values",
            "Take a sample of the rows: 100,000 are plenty for a reference",
        )


def _refuse_absent(named: Sequence[str], columns: Sequence[str], file: str) -> None:
    for name in named:
        if name not in columns:
            meant = nearest(name, columns, most=1)
            fix = f"Did you mean {meant[0]!r}?" if meant else f"Its columns: {', '.join(columns)}"
            raise ModelError(TOML_FILE, f"[reference] names column {name!r}, which {file} lacks", fix)


def _read(path: Path) -> Any:
    from pyarrow import csv, parquet  # noqa: PLC0415 - as above

    if path.suffix == ".csv":
        return csv.read_csv(path)
    with parquet.ParquetFile(path) as file:
        # What the file says of itself, before it is unpacked; what it says may be untrue.
        _refuse_many(file.metadata, path.name)
        return file.read()


def _feature(name: str, arrow: Any, file: str) -> Feature:
    from pyarrow import types  # noqa: PLC0415 - as above

    if types.is_dictionary(arrow):
        arrow = arrow.value_type
    if types.is_boolean(arrow):
        return Feature(name=name, kind=Kind.BOOLEAN)
    if types.is_integer(arrow) or types.is_floating(arrow) or types.is_decimal(arrow):
        return Feature(name=name, kind=Kind.NUMERIC)
    if types.is_null(arrow):
        return Feature(name=name, kind=Kind.NUMERIC)
    if types.is_string(arrow) or types.is_large_string(arrow) or types.is_string_view(arrow):
        return Feature(name=name, kind=Kind.CATEGORICAL, holds=Holds.STRING)
    raise ModelError(
        file,
        f"column {name!r} is of type {arrow}, which no feature can have",
        f'Write it as numbers or text, or leave it out: [reference] ignore = ["{name}"] in {TOML_FILE}',
    )


def _values(column: Any, feature: Feature) -> list[Any]:
    values = column.to_pylist()
    if feature.kind is Kind.CATEGORICAL and feature.holds is Holds.STRING:
        return [None if value is None or value == "" else str(value) for value in values]
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: both are missing values."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | bool | int) else float(value)


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
    if types and types <= {bool}:
        return Feature(name=name, kind=Kind.BOOLEAN)
    if types <= {int, float}:
        return Feature(name=name, kind=Kind.NUMERIC)
    holds = Holds.STRING if types == {str} else Holds.ANY
    return Feature(name=name, kind=Kind.CATEGORICAL, holds=holds)
