"""What the columns of a Parquet file are: their own types, and what pandas wrote about them beside."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from model_runner.errors import ModelError
from model_runner.folder.unusable_columns import UnusableColumnError
from model_runner.schema.dtypes import CATEGORY, EMPTY, NULLABLE_WHOLE
from model_runner.schema.schema import Feature, Holds, Kind

MOST_CATEGORIES = 100_000
"""Of one column: the schema holds them, and travels."""


def pandas_types(schema: Any) -> Mapping[str, str]:
    """NumPy's or pandas' name of the type of each column, where pandas wrote the file."""
    about = schema.pandas_metadata or {}
    return {str(each["field_name"]): str(each["numpy_type"]) for each in about.get("columns", ())}


def index_columns(schema: Any) -> set[str]:
    """The columns that are the frame's index."""
    about = schema.pandas_metadata or {}
    return {name for name in about.get("index_columns", ()) if isinstance(name, str)}


def observed(column: Any, name: str, written: str, file: str) -> tuple[Feature, list[Any]]:
    """What the column is, and its values; None is a missing one.

    Args:
        column: an Arrow column.
        name: what it is called.
        written: its type as pandas wrote it; empty where pandas did not.
        file: the file that it is from, for errors.

    Raises:
        UnusableColumnError: it is of a type that no feature can have.
        ModelError: it has too many categories.
    """
    kind = column.type
    if types.is_null(kind):
        return Feature(name=name, kind=Kind.CATEGORICAL, dtype=EMPTY), column.to_pylist()
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _numbers(column, name, written)
    if types.is_boolean(kind):
        own = "object" if column.null_count else "bool"
        return Feature(name=name, kind=Kind.BOOLEAN, dtype=_or(written, {"boolean"}, own)), column.to_pylist()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        dtype = "string" if written.startswith("string") else ""
        values = [value or None for value in column.to_pylist()]
        return Feature(name=name, kind=Kind.CATEGORICAL, holds=Holds.STRING, dtype=dtype), values
    return _others(column, name, file)


def _others(column: Any, name: str, file: str) -> tuple[Feature, list[Any]]:
    if types.is_dictionary(column.type):
        return _categories(column, name, file)
    if types.is_timestamp(column.type):
        return _moments(column, name)
    raise UnusableColumnError(file, name, f"is of type {column.type}, which no feature can have")


def _numbers(column: Any, name: str, written: str) -> tuple[Feature, list[Any]]:
    kind = column.type
    if types.is_integer(kind):
        # Beside missing values pandas has floats, unless the column was of one of its own types.
        own = "float64" if column.null_count else str(kind)
        return Feature(name=name, kind=Kind.NUMERIC, dtype=_or(written, NULLABLE_WHOLE, own)), column.to_pylist()
    if types.is_decimal(kind):
        return Feature(name=name, kind=Kind.NUMERIC), _finite(column)
    own = {"halffloat": "float16", "float": "float32"}.get(str(kind), "float64")
    return Feature(name=name, kind=Kind.NUMERIC, dtype=_or(written, {"Float32", "Float64"}, own)), _finite(column)


def _or(written: str, known: set[str], own: str) -> str:
    """What pandas wrote, where that is a type of its own."""
    return written if written in known else own


def _finite(column: Any) -> list[Any]:
    """JSON has no NaN and no infinity: both are missing values."""
    doubles = pc.cast(column, pa.float64())
    return list(pc.if_else(pc.is_finite(doubles), doubles, None).to_pylist())


def _moments(column: Any, name: str) -> tuple[Feature, list[Any]]:
    """As ISO 8601 text, which is how requests have them; those with a zone in UTC."""
    unit, zone = column.type.unit, column.type.tz
    dtype = f"datetime64[{unit}, {zone}]" if zone else f"datetime64[{unit}]"
    text = pc.strftime(pc.cast(column, pa.timestamp(unit)), format="%Y-%m-%dT%H:%M:%S")
    text = pc.replace_substring_regex(text, pattern=r"\.0+$", replacement="")
    ending = "Z" if zone else ""
    values = [None if value is None else value + ending for value in text.to_pylist()]
    return Feature(name=name, kind=Kind.DATETIME, dtype=dtype), values


def _categories(column: Any, name: str, file: str) -> tuple[Feature, list[Any]]:
    whole = column.unify_dictionaries().combine_chunks()
    known = whole.dictionary.to_pylist() if len(column) else []
    if len(known) > MOST_CATEGORIES:
        problem = f"column {name!r} has {len(known):,} categories; the most is {MOST_CATEGORIES:,}"
        raise ModelError(file, problem, "Write it as text")
    if not all(isinstance(each, str | int | float) for each in known):
        problem = f"has categories of type {column.type.value_type}, which no feature can have"
        raise UnusableColumnError(file, name, problem)
    holds = Holds.ANY
    if all(isinstance(each, str) for each in known):
        holds = Holds.STRING
    elif not any(isinstance(each, str | bool) for each in known):
        holds = Holds.NUMBER
    feature = Feature(
        name=name,
        kind=Kind.CATEGORICAL,
        holds=holds,
        categories=tuple(known),
        dtype=CATEGORY,
        ordered=column.type.ordered,
    )
    return feature, whole.to_pylist()
