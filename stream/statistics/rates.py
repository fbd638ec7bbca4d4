"""Shares of rows in the bins that have a meaning of their own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.statistics.smoothing import Floats


def rate(counts: Floats | NDArray[np.int64], bins: Sequence[int]) -> float:
    """Share of all rows that lie in `bins`, 0..1. Undefined (raises ValueError) without rows.

    >>> rate(np.array([1.0, 8.0, 1.0]), (0, 2))
    0.2
    """
    total = float(counts.sum())
    if not total > 0:
        raise ValueError("a share needs rows: skip empty windows")
    return sum(float(counts[index]) for index in bins) / total
