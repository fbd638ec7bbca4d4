"""Pearson's chi-squared test of two samples."""

from stream.statistics.homogeneity import Homogeneity, judge, tabulate
from stream.statistics.smoothing import Floats


def chi2(window: Floats, reference: Floats, serial_factor: float = 1.0) -> Homogeneity:
    """Sum of (O - E)^2 / E over the 2 x B table; about chi-squared with B - 1 degrees under no drift.

    Source: Pearson 1900, "On the criterion that a given system of deviations ..."; homogeneity as in
    Cochran 1952. Buckets empty on both sides are left out. Undefined (raises ValueError) without rows.

    >>> import numpy as np
    >>> round(chi2(np.array([80.0, 20.0]), np.array([500.0, 500.0])).statistic, 3)
    32.825
    """
    observed, expected = tabulate(window, reference)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return judge(statistic, observed.shape[1], serial_factor)
