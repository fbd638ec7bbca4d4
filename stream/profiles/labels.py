"""Buckets of a series, and the words in which they are shown to people."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BucketMap = tuple[tuple[int, ...], tuple[str, ...]]
"""Bucket index per fine bin, and label per bucket."""


def numeric_labels(edges: Floats, deciles: Sequence[int]) -> BucketMap:
    """Buckets of a numeric series: below-min, its non-empty deciles, above-max, missing.

    `deciles` holds the decile of each bin between two edges, ascending; shape (len(edges) - 1,).
    """
    if not len(edges):
        return (0, 1), ("any value (the reference had none)", "missing")
    shown = _shown_edges(edges)
    inner = list(_decile_runs(deciles))
    bucket_of = [0, *(number for number, run in enumerate(inner, 1) for _ in run)]
    bucket_of += [len(inner) + 1, len(inner) + 2]
    labels = [
        f"below {format_number(float(edges[0]), 6)} (min of the reference)",
        *(_range_label(edges, shown, run) for run in inner),
        f"above {format_number(shown[-1], 6)} (max of the reference)",
        "missing",
    ]
    return tuple(bucket_of), tuple(labels)


def category_labels(groups: Sequence[Sequence[str]], pooled: int) -> tuple[str, ...]:
    """Labels of the buckets of categories; the last group also holds `pooled` rare categories."""
    return tuple(_group_label(group, pooled if number == len(groups) - 1 else 0) for number, group in enumerate(groups))


def format_number(value: float, digits: int = 4) -> str:
    """`value` in at most `digits` significant digits."""
    return f"{value:.{digits}g}"


def _decile_runs(deciles: Sequence[int]) -> Iterator[list[int]]:
    numbered = enumerate(deciles)
    for _, run in groupby(numbered, key=lambda pair: pair[1]):
        yield [number for number, _ in run]


def _shown_edges(edges: Floats) -> list[float]:
    """The edges as people should read them: the float after a value is shown as that value."""
    shown = [float(edges[0])]
    for low, high in pairwise(edges):
        shown.append(float(low) if high == np.nextafter(low, np.inf) else float(high))
    return shown


def _range_label(edges: Floats, shown: Sequence[float], run: Sequence[int]) -> str:
    low, high = shown[run[0]], shown[run[-1] + 1]
    opens_after_value = low != float(edges[run[0]])
    closes_with_value = high != float(edges[run[-1] + 1])
    if low == high:
        return f"= {_exact(low)}"
    left, right = _distinct(low, high)
    if opens_after_value:
        return f"over {left}, {'up to' if closes_with_value else 'below'} {right}"
    return f"{left} \u2013 {right}"


def _distinct(low: float, high: float) -> tuple[str, str]:
    for digits in range(4, 17):
        left, right = format_number(low, digits), format_number(high, digits)
        if left != right:
            return left, right
    return repr(low), repr(high)


def _exact(value: float) -> str:
    short = format_number(value, 6)
    return short if float(short) == value else repr(value)


def _group_label(group: Sequence[str], pooled: int) -> str:
    total = len(group) + pooled
    if total == 1:
        return f"= {group[0]}"
    named = ", ".join(group[:3])
    if total <= 3 and not pooled:
        return named
    return f"{named} … ({total} categories)" if named else f"{total} rare categories"
