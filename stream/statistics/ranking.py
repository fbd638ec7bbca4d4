"""Order of features by evidence, for display; never used to raise an alarm."""

from collections.abc import Sequence

import numpy as np

from stream.statistics.smoothing import Floats


def benjamini_hochberg(p_values: Sequence[float]) -> Floats:
    """Adjusted p-values, in the order given, shape (len(p_values),).

    Those at most q have a false discovery rate of at most q. Source: Benjamini and Hochberg 1995,
    "Controlling the false discovery rate". Empty for no values.

    >>> benjamini_hochberg([0.01, 0.5, 0.02]).tolist()
    [0.03, 0.5, 0.03]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)[::-1]
    ranks = np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.minimum.accumulate(values[order] * (len(values) / ranks)), 1.0)
    return adjusted
