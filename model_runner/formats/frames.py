"""Rows as a DataFrame whose columns have the types that they had in training."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec.structs import replace

from model_runner.formats.columns import InputBuilder
from model_runner.formats.values import REGULAR, can_be_irregular, floats, is_numeric, is_truth, sort_of, typed
from model_runner.model import Row
from model_runner.schema.dtypes import (
    CATEGORY,
    EMPTY,
    NULLABLE_WHOLE,
    MixedRowsError,
    UnfitValueError,
    is_datetime,
    time_zone,
    unit_of,
)
from model_runner.schema.schema import Feature, Kind, Null

Column = Callable[[list[Any]], Any]
"""Values of one column, None where missing, as what a DataFrame is made of."""


def framed(features: Sequence[Feature]) -> InputBuilder:
    """A frame of these columns, in this order.

    The builder raises UnfitValueError (a value that the model cannot be given) and MixedRowsError (rows that must not
    stand in one frame).
    """
    import pandas as pd  # noqa: PLC0415 - half a second that an all-numeric model need not pay

    columns = [(feature.name, column_of(feature)) for feature in features]

    def build(rows: Sequence[Row]) -> Any:
        return pd.DataFrame({name: column([row.get(name) for row in rows]) for name, column in columns})

    return build


def column_of(feature: Feature) -> Column:
    """How the values of this feature become a column."""
    make = _maker(feature)
    if not can_be_irregular(feature):
        return make

    def column(values: list[Any]) -> Any:
        if len({sort_of(feature, value) for value in values}) > 1:
            raise MixedRowsError
        return make(values)

    return column


def _maker(feature: Feature) -> Column:
    if feature.dtype == CATEGORY:
        return _categories(feature)
    if feature.dtype == EMPTY:
        return _empty(feature)
    if feature.kind is Kind.DATETIME:
        return lambda values: _moments(values, feature)
    if feature.dtype in NULLABLE_WHOLE | {"Float32", "Float64", "boolean"}:
        return lambda values: _with_na(values, feature)
    if is_numeric(feature) or is_truth(feature) or feature.kind is Kind.BOOLEAN:
        return lambda values: typed(_nulled(values, feature), feature)
    return _text(feature)


def _nulled(values: list[Any], feature: Feature) -> list[Any]:
    """Truth beside missing values is a column of objects, which can hold any kind of null."""
    if feature.dtype != "object":
        return values
    null = _null(feature)
    return [null if value is None else value for value in values]


def _null(feature: Feature) -> Any:
    if feature.null is Null.NA:
        import pandas as pd  # noqa: PLC0415 - as above

        return pd.NA
    # NaN is how pandas reads an empty cell, hence what encoders met as "missing" when they were fitted.
    return None if feature.null is Null.NONE else np.nan


def _text(feature: Feature) -> Column:
    import pandas as pd  # noqa: PLC0415 - as above

    null = _null(feature)
    dtype: Any = feature.dtype
    if feature.null is Null.NONE or (feature.null is Null.NA and dtype != "string"):
        dtype = object  # the only one that can hold it
    elif not dtype:
        dtype = pd.Series(["a"]).dtype  # str from pandas 3 on, object before

    def column(values: list[Any]) -> Any:
        plain = [null if value is None else value for value in values]
        if not all(value is None or isinstance(value, str) for value in values):
            return typed(plain, feature)
        return pd.Series(plain, dtype=dtype)

    return column


def _empty(feature: Feature) -> Column:
    """Nothing stood there in training, which to pandas is a column of floats; what comes later is what it is."""
    later = _text(replace(feature, dtype=""))
    numbers = replace(feature, kind=Kind.NUMERIC, dtype="float64")

    def column(values: list[Any]) -> Any:
        if any(isinstance(value, str | bool) for value in values):
            return later(values)
        return floats(values, numbers)

    return column


def _categories(feature: Feature) -> Column:
    """A category that the training did not have is a missing value, as it is to pandas."""
    import pandas as pd  # noqa: PLC0415 - as above

    known = list(feature.categories or ())
    dtype = pd.CategoricalDtype(known, ordered=feature.ordered)
    codes = {category: code for code, category in enumerate(known)}

    def column(values: list[Any]) -> Any:
        return pd.Categorical.from_codes([codes.get(value, -1) for value in values], dtype=dtype)

    return column


def _with_na(values: list[Any], feature: Feature) -> Any:
    """One of pandas' nullable arrays."""
    import pandas as pd  # noqa: PLC0415 - as above

    if feature.dtype == "boolean":
        return pd.array(values, dtype="boolean")
    if feature.dtype in NULLABLE_WHOLE and any(sort_of(feature, value) != REGULAR for value in values):
        return pd.array(floats(values, feature), dtype="Float64")
    # Zeros for a moment: NumPy's integers have nothing for a missing value, and floats would lose digits.
    filled: list[Any] = [0 if value is None else value for value in values]
    made = pd.array(typed(filled, replace(feature, dtype=feature.dtype.lower())), dtype=feature.dtype)
    made[np.array([value is None for value in values], dtype=np.bool_)] = pd.NA
    return made


def _moments(values: list[Any], feature: Feature) -> Any:
    import pandas as pd  # noqa: PLC0415 - as above

    zone = time_zone(feature.dtype)
    moments = pd.DatetimeIndex([_moment(row, value, feature) for row, value in enumerate(values)])
    moments = moments.tz_localize(None) if zone is None else moments.tz_convert(zone)
    return moments.astype(feature.dtype) if is_datetime(feature.dtype) else moments


def _moment(row: int, value: object, feature: Feature) -> Any:
    """In UTC, which a text without a zone is taken to be in."""
    import pandas as pd  # noqa: PLC0415 - as above

    if value is None:
        return pd.NaT
    try:
        datetime.fromisoformat(str(value))  # pandas takes "now" and much else
        moment = pd.Timestamp(value)
        if is_datetime(feature.dtype):
            moment.as_unit(unit_of(feature.dtype))
    except (ValueError, OverflowError):
        within = f" within {feature.dtype}" if feature.dtype else ""
        problem = f"{str(value)[:60]!r} is no ISO 8601 time (2026-01-31T10:00:00Z){within}"
        raise UnfitValueError(row, feature.name, problem) from None
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
