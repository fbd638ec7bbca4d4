"""A feature's values as an array of the type that its column had in the training data, exactly or not at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from model_runner.schema.dtypes import (
    LARGEST_EXACT,
    NULLABLE_WHOLE,
    WHOLE,
    UnfitValueError,
    is_whole,
    whole_range,
)
from model_runner.schema.schema import Feature, Kind

REGULAR = 0
"""The sort of a value that its column's type holds. A column of another sort has another type: floats where a null or
a fraction stands among whole numbers, objects where numbers stand among text. pandas does the same, but to all rows of
a frame; here rows of other callers may be in it, and keep theirs (`model_runner/serving/apart.py`)."""
_IRREGULAR = 1


def sort_of(feature: Feature, value: object) -> int:
    """Which values of the feature can stand in one column."""
    if is_numeric(feature):
        return REGULAR if not is_whole(feature.dtype) or _is_whole_value(feature, value) else _IRREGULAR
    if is_truth(feature):
        return REGULAR if value is not None else _IRREGULAR
    if feature.kind is Kind.CATEGORICAL and feature.dtype != "category":
        return REGULAR if value is None or isinstance(value, str) else _IRREGULAR
    return REGULAR


def can_be_irregular(feature: Feature) -> bool:
    """Whether it can have values of several sorts."""
    if is_numeric(feature) or is_truth(feature):
        return is_truth(feature) or is_whole(feature.dtype)
    return feature.kind is Kind.CATEGORICAL and feature.dtype != "category"


def is_numeric(feature: Feature) -> bool:
    """Whether its column holds numbers: those of a categorical feature may be labels that are numbers."""
    if feature.kind is Kind.CATEGORICAL:
        return is_whole(feature.dtype) or feature.dtype.lower().startswith("float")
    return feature.kind is Kind.NUMERIC


def is_truth(feature: Feature) -> bool:
    """Whether its column is one of NumPy's booleans, which have no missing value; with one they are floats here."""
    return feature.dtype == "bool" or (feature.kind is Kind.BOOLEAN and not feature.dtype)


def _is_whole_value(feature: Feature, value: object) -> bool:
    if value is None:
        return feature.dtype in NULLABLE_WHOLE
    return not isinstance(value, float) or value.is_integer()


def whole(values: Sequence[Any], feature: Feature) -> Any:
    """Regular values of a feature of whole numbers, shape (rows,), of its dtype (NumPy's); null must not be among them.

    Raises:
        UnfitValueError: one does not fit, or is no number.
    """
    found = np.array(values) if None not in values else np.array(values, dtype=object)
    least, most = whole_range(feature.dtype)
    if found.dtype.kind == "i" and found.size and least <= found.min() and found.max() <= most:
        return found.astype(feature.dtype.lower())
    for row, value in enumerate(values):
        _refuse_other(row, feature, value, (int, float))
        if not least <= value <= most:
            raise UnfitValueError(row, feature.name, f"{_shown(value)} does not fit into {feature.dtype.lower()}")
    return np.array([int(value) for value in values], dtype=feature.dtype.lower())


def floats(values: Sequence[Any], feature: Feature, dtype: str = "float64") -> Any:
    """Numbers, None for a missing one, shape (rows,), of this type of floats.

    Raises:
        UnfitValueError: one is no number, or is a whole number that cannot be given without loss.
    """
    try:
        found = np.array(values, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        raise _culprit(values, feature) from None
    if (np.abs(found) >= LARGEST_EXACT).any():
        refuse_inexact(values, feature)
    return narrowed(found, feature, dtype)


def narrowed(found: Any, feature: Feature, dtype: str) -> Any:
    """Doubles, shape (rows,), in this type. Raises UnfitValueError where one becomes infinite."""
    if dtype == "float64":
        return found
    with np.errstate(over="ignore"):
        narrow = found.astype(dtype)
    lost = np.isinf(narrow) & np.isfinite(found)
    if lost.any():
        row = int(lost.argmax())
        raise UnfitValueError(row, feature.name, f"{found[row]} does not fit into {dtype}")
    return narrow


def refuse_inexact(values: Sequence[Any], feature: Feature) -> None:
    """Raises UnfitValueError: a whole number that is no float. Of whole numbers the model made floats itself."""
    if is_whole(feature.dtype):
        return
    for row, value in enumerate(values):
        if isinstance(value, int) and abs(value) > LARGEST_EXACT and int(float(value)) != value:
            problem = f"{_shown(value)} cannot be given to the model exactly: it takes floats here"
            raise UnfitValueError(row, feature.name, problem)


def typed(values: Sequence[Any], feature: Feature) -> Any:
    """Values of one sort as NumPy's array, shape (rows,): numbers and truth by their dtype, else objects."""
    if is_numeric(feature):
        if feature.dtype in WHOLE and all(sort_of(feature, value) == REGULAR for value in values):
            return whole(values, feature)
        return floats(values, feature, feature.dtype if feature.dtype in {"float16", "float32"} else "float64")
    if is_truth(feature):
        return floats(values, feature) if None in values else np.array(values, dtype=np.bool_)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _culprit(values: Sequence[Any], feature: Feature) -> UnfitValueError:
    for row, value in enumerate(values):
        if isinstance(value, int):
            try:
                float(value)
            except OverflowError:
                return UnfitValueError(row, feature.name, f"{_shown(value)} is too large a number")
        elif value is not None and not isinstance(value, float):
            return _other(row, feature, value)
    raise AssertionError("every value is a number")


def _refuse_other(row: int, feature: Feature, value: object, types: tuple[type, ...]) -> None:
    if not isinstance(value, types):
        raise _other(row, feature, value)


def _other(row: int, feature: Feature, value: object) -> UnfitValueError:
    found = "text" if isinstance(value, str) else f"a {type(value).__name__}"
    return UnfitValueError(row, feature.name, f"it is {found}, and the model was fitted on numbers here")


def _shown(value: float) -> str:
    """Python refuses to write very long numbers."""
    text = str(value) if not isinstance(value, int) or value.bit_length() < 4096 else hex(value)
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text)} digits)"
