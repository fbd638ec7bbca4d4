"""Hellinger distance."""

import math

import numpy as np

from stream.statistics.smoothing import Floats, plain_shares


def hellinger(window: Floats, reference: Floats) -> float:
    """sqrt(1 - sum of sqrt(p q)): 0 for equal shares, 1 for disjoint ones; not smoothed.

    Source: Hellinger 1909, "Neue Begruendung der Theorie quadratischer Formen". Undefined (raises
    ValueError) when a side has no rows.

    >>> hellinger(np.array([5.0, 0.0]), np.array([0.0, 7.0]))
    1.0
    """
    q, p = plain_shares(window, reference)
    return math.sqrt(max(1.0 - float(np.sqrt(q * p).sum()), 0.0))
