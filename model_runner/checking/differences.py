"""Whether two answers to one row are the same answer. Pure."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

_RELATIVE = 1e-5
"""float32 adds up to 1e-6 wrong in another order; nobody means another model by it."""
_ABSOLUTE = 1e-6
"""Of the largest number among the answers: sums that cancel out leave the rounding of their terms."""


def first_difference(served: Sequence[Any], own: Sequence[Any]) -> int | None:
    """The first row of which they differ; None where there is none. Where one has more rows, its first one more.

    A score that is not served is no difference.
    """
    slack = _ABSOLUTE * max(map(abs, _numbers(own)), default=0.0)
    for row, (one, other) in enumerate(zip(served, own, strict=False)):
        if not _same(one, other, slack):
            return row
    return None if len(served) == len(own) else min(len(served), len(own))


def _same(one: Any, other: Any, slack: float) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            (key == "score" and value is None) or _same(value, other[key], slack) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*each, slack) for each in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        return _near(one, other, slack)
    return bool(one == other)


def _near(one: Any, other: Any, slack: float) -> bool:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return False
    return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=slack)


def _numbers(values: Any) -> Iterator[float]:
    if isinstance(values, float):
        yield values
    elif isinstance(values, list | dict):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _numbers(value)
