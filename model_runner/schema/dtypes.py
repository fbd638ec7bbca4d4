"""Names of dtypes as pandas spells them, told apart without pandas: files are read where it need not be loaded."""

import re
from typing import Literal, cast

WHOLE = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
"""NumPy's integers: they have no missing value."""
NULLABLE_WHOLE = {f"{sign}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)}
"""pandas' integers with NA."""
FLOATS = {"float16", "float32", "float64", "Float32", "Float64"}
TRUTH = {"bool", "boolean"}
TEXT = {"str", "string", "object"}
CATEGORY = "category"
EMPTY = "null"
"""Of a column in which nothing stands."""
LARGEST_EXACT = 2**53
"""Whole numbers up to here are floats without loss."""
_DATETIME = re.compile(r"datetime64\[(s|ms|us|ns)(?:, ([\w/+:-]+))?\]")


def is_whole(dtype: str) -> bool:
    return dtype in WHOLE or dtype in NULLABLE_WHOLE


def is_datetime(dtype: str) -> bool:
    return _DATETIME.fullmatch(dtype) is not None


def unit_of(dtype: str) -> Literal["s", "ms", "us", "ns"]:
    """Of a datetime."""
    found = _DATETIME.fullmatch(dtype)
    return cast(Literal["s", "ms", "us", "ns"], found.group(1) if found else "ns")


def time_zone(dtype: str) -> str | None:
    """Of a datetime; None where it has none."""
    found = _DATETIME.fullmatch(dtype)
    return found.group(2) if found else None


def is_known(dtype: str) -> bool:
    """Whether a column of a frame can be made of it."""
    return dtype in WHOLE | NULLABLE_WHOLE | FLOATS | TRUTH | TEXT | {CATEGORY} or is_datetime(dtype)


def whole_range(dtype: str) -> tuple[int, int]:
    """The least and the largest value of an integer type."""
    bits = int(re.sub(r"\D", "", dtype))
    return (0, 2**bits - 1) if dtype.lower().startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


class UnfitValueError(ValueError):
    """A request's value has the right JSON type, and still cannot be given to the model.

    Attributes:
        row: of the rows that were to be predicted, from 0.
        field: the feature's name.
        problem: what is wrong with it.
    """

    def __init__(self, row: int, field: str, problem: str) -> None:
        super().__init__(f"instances[{row}].{field}: {problem}")
        self.row = row
        self.field = field
        self.problem = problem


class MixedRowsError(Exception):
    """Rows that cannot stand in one frame without changing each other's types: predict them apart."""
