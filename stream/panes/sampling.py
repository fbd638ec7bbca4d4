"""Rows that a reference is learned from, within bounds in bytes: wide rows are fewer. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from stream.profiles.prediction import flatten_prediction
from stream.profiles.values import to_category

PANE_BYTES = 4_000_000
"""Of the rows in one pane: with all else in it, it fits into a record."""
BASELINE_BYTES = 24_000_000
"""Of all rows of a deployment: the reference is made of those that there are then, however many were wanted."""

SampledRow = dict[str, object]
LONGEST_TEXT = 4000
"""Characters of a text that is kept whole, so that it can be measured; a longer one is kept as its category."""
_WHOLE = "int"
"""A whole number that MessagePack has no form for stands as an object with this key and its hexadecimal digits."""


def sampled_row(features: Mapping[str, Any], prediction: object) -> tuple[SampledRow, int]:
    """A row as it is kept, with no more of each value than a profile takes from it; and its size in bytes."""
    flat = flatten_prediction(prediction)
    row: SampledRow = {
        "features": {name: _kept(value, LONGEST_TEXT) for name, value in features.items()},
        "prediction": {name: _kept(value) for name, value in flat.items()},
    }
    return row, rows_bytes([row])


def rows_bytes(rows: Iterable[SampledRow] | None) -> int:
    """Of their JSON."""
    return sum(len(msgspec.json.encode(row)) + 1 for row in rows or ())


def _kept(value: object, longest: int = 0) -> object:
    if isinstance(value, str):
        return value if len(value) <= longest else to_category(value)
    if isinstance(value, list | dict):
        return type(value)()  # it is of a wrong type, whatever is in it
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return {_WHOLE: hex(value)}
    return value


def values_of(kept: Mapping[str, object]) -> dict[str, object]:
    """The values of one part of a sampled row."""
    return {name: _restored(value) for name, value in kept.items()}


def _restored(value: object) -> object:
    digits = value.get(_WHOLE) if isinstance(value, dict) else None
    return int(digits, 16) if isinstance(digits, str) else value
