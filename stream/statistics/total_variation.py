"""Total variation distance, and the largest change of one bucket's share."""

import numpy as np

from stream.statistics.smoothing import Floats, plain_shares


def total_variation(window: Floats, reference: Floats) -> float:
    """Half the sum of |q - p|: the share of rows that would have to change bucket, 0..1; not smoothed.

    Source: Levin, Peres and Wilmer 2009, "Markov Chains and Mixing Times", ch. 4. Undefined (raises
    ValueError) when a side has no rows.

    >>> total_variation(np.array([80.0, 20.0]), np.array([500.0, 500.0]))
    0.30000000000000004
    """
    q, p = plain_shares(window, reference)
    return float(np.abs(q - p).sum()) / 2


def largest_change(window: Floats, reference: Floats) -> float:
    """The maximum of |q - p| over the buckets (L-infinity), 0..1. Undefined like `total_variation`.

    >>> largest_change(np.array([75.0, 25.0]), np.array([500.0, 500.0]))
    0.25
    """
    q, p = plain_shares(window, reference)
    return float(np.abs(q - p).max())
