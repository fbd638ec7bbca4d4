"""Kullback-Leibler divergence, in nats."""

import numpy as np

from stream.statistics.smoothing import Floats, smoothed_shares


def kl(window: Floats, reference: Floats) -> float:
    """KL(c || r) = sum of q ln(q / p) over smoothed shares: the window against the reference.

    Swap the arguments for the reverse, KL(r || c); the two add up to the PSI. Source: Kullback and
    Leibler 1951, "On information and sufficiency". Because smoothed shares need not add up to 1 it can
    be below 0 by about (empty buckets) / (2 * rows). Undefined (raises ValueError) without rows.

    >>> round(kl(np.array([80.0, 20.0]), np.array([500.0, 500.0])), 6)
    0.192745
    """
    q, p = smoothed_shares(window, reference)
    return float((q * np.log(q / p)).sum())
