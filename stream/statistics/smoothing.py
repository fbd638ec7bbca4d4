"""Shares of buckets, with empty buckets smoothed only where one side is empty."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def smoothed_shares(window: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """q = max(c, 1/2) / n and p = max(r, 1/2) / m over the buckets that are not empty on both sides.

    Half a row is the smallest count that rounds to one; a fixed epsilon would make PSI depend on it and
    not on the sizes of the samples. The shares are not normalised again. Both have shape (B,), where B
    is the number of buckets kept. Undefined (raises ValueError) when a side has no rows.

    >>> smoothed_shares(np.array([3.0, 1.0, 0.0, 0.0]), np.array([6.0, 0.0, 2.0, 0.0]))
    (array([0.75 , 0.25 , 0.125]), array([0.75  , 0.0625, 0.25  ]))
    """
    n, m = window.sum(), reference.sum()
    if not (n > 0 and m > 0):
        raise ValueError("both the window and the reference need rows: skip empty windows")
    kept = (window > 0) | (reference > 0)
    return np.maximum(window[kept], 0.5) / n, np.maximum(reference[kept], 0.5) / m


def plain_shares(window: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """c / n and r / m, not smoothed, over all buckets. Undefined like `smoothed_shares`."""
    n, m = window.sum(), reference.sum()
    if not (n > 0 and m > 0):
        raise ValueError("both the window and the reference need rows: skip empty windows")
    return window / n, reference / m
