"""Columns out of rows of decoded JSON, by the fastest way that the values in the batch allow."""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.profiles.values import is_missing, to_category, to_number

Row = Mapping[str, Any]
Floats = NDArray[np.float64]
Invalid = dict[int, list[int]]
"""Rows with a value of a wrong type, by the number of the column."""

_NUMBERS_OR_NULL = {float, int, bool, type(None)}
_TEXT_OR_NULL = {str, type(None)}


class NumberReader:
    """Reads the same numeric columns out of batch after batch."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._values_of = _flattener(self._names)

    def read(self, rows: Sequence[Row]) -> tuple[Floats, Invalid]:
        """The columns, shape (len(names), len(rows)), NaN where missing or invalid; and what was invalid."""
        try:
            return self._shaped(self._all_numbers(rows), len(rows)), {}
        except (struct.error, KeyError, OverflowError):
            pass
        try:
            return self._shaped(self._numbers_or_nulls(rows), len(rows)), {}
        except (KeyError, OverflowError, TypeError):
            return self._column_by_column(rows)

    def _all_numbers(self, rows: Sequence[Row]) -> Floats:
        # struct takes numbers and nothing else; NumPy would read the text "3" as a number.
        packed = struct.pack(f"{len(rows) * len(self._names)}d", *self._values_of(rows))
        return np.frombuffer(packed, dtype=np.float64)

    def _numbers_or_nulls(self, rows: Sequence[Row]) -> Floats:
        values = list(self._values_of(rows))
        if not _NUMBERS_OR_NULL.issuperset(map(type, values)):
            raise TypeError("a value of another type needs the slow way")
        return np.array(values, dtype=np.float64)

    def _shaped(self, values: Floats, n_rows: int) -> Floats:
        return np.ascontiguousarray(values.reshape(n_rows, len(self._names)).T)

    def _column_by_column(self, rows: Sequence[Row]) -> tuple[Floats, Invalid]:
        columns = np.empty((len(self._names), len(rows)))
        invalid: Invalid = {}
        for number, name in enumerate(self._names):
            column = [row.get(name) for row in rows]
            try:
                columns[number] = _plain_column(column)
            except (OverflowError, TypeError):
                numbers = [to_number(value) for value in column]
                invalid[number] = [row for row, value in enumerate(numbers) if value is None]
                columns[number] = numbers
        return columns, invalid


def read_categories(
    rows: Sequence[Row], name: str, lookup: Mapping[str | None, int], unseen: int, *, plain: bool = True
) -> tuple[NDArray[np.int64], list[int]]:
    """Fine bin of each row's category, shape (len(rows),), and the rows whose value had a wrong type.

    `lookup` holds the bin of each known category and, under None, of missing values. `plain`: none of them is of a
    long text, so that texts can be looked up as they are.
    """
    column = [row.get(name) for row in rows]
    if plain and _TEXT_OR_NULL.issuperset(map(type, column)):
        return np.array([lookup.get(value, unseen) for value in column], dtype=np.int64), []
    keys = [to_category(value) for value in column]
    wrong = [row for row, key in enumerate(keys) if key is None and not is_missing(column[row])]
    return np.array([lookup.get(key, unseen) for key in keys], dtype=np.int64), wrong


def _flattener(names: tuple[str, ...]) -> Callable[[Sequence[Row]], Iterable[Any]]:
    if not names:
        return lambda _: ()
    getter = itemgetter(*names)
    if len(names) == 1:
        return lambda rows: map(getter, rows)
    return lambda rows: chain.from_iterable(map(getter, rows))


def _plain_column(column: list[Any]) -> Floats:
    if not _NUMBERS_OR_NULL.issuperset(map(type, column)):
        raise TypeError("a value of another type needs the slow way")
    return np.array(column, dtype=np.float64)
