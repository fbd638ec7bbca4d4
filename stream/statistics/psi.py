"""Population stability index."""

import numpy as np

from stream.statistics.smoothing import Floats, smoothed_shares


def psi_terms(q: Floats, p: Floats) -> Floats:
    """(q - p) ln(q / p) per bucket, each at least 0; `q`, `p` positive shares of shape (B,)."""
    terms: Floats = (q - p) * np.log(q / p)
    return terms


def psi(window: Floats, reference: Floats) -> float:
    """Sum of (q - p) ln(q / p) over smoothed shares: 0 for equal shares, no upper bound, symmetric.

    Source: Lewis 1994, "An Introduction to Credit Scoring"; it is the divergence J of Jeffreys 1946.
    Undefined (raises ValueError) when a side has no rows.

    >>> round(psi(np.array([50.0, 50.0]), np.array([500.0, 500.0])), 6)
    0.0
    >>> round(psi(np.array([80.0, 20.0]), np.array([500.0, 500.0])), 6)
    0.415888
    """
    q, p = smoothed_shares(window, reference)
    return float(psi_terms(q, p).sum())
