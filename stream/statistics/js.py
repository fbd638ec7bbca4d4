"""Jensen-Shannon distance, base 2."""

import math

from scipy.special import rel_entr

from stream.statistics.smoothing import Floats, plain_shares


def js(window: Floats, reference: Floats) -> float:
    """Square root of the Jensen-Shannon divergence in bits: 0 for equal shares, 1 for disjoint ones.

    sqrt((KL(q || h) + KL(p || h)) / 2 / ln 2) with h = (q + p) / 2; needs no smoothing. Source: Lin
    1991, "Divergence measures based on the Shannon entropy"; that its root is a metric: Endres and
    Schindelin 2003. Undefined (raises ValueError) when a side has no rows.

    >>> import numpy as np
    >>> js(np.array([5.0, 0.0]), np.array([0.0, 7.0]))
    1.0
    """
    q, p = plain_shares(window, reference)
    middle = (q + p) / 2
    divergence = float((rel_entr(q, middle) + rel_entr(p, middle)).sum()) / 2
    return math.sqrt(max(divergence, 0.0) / math.log(2))
