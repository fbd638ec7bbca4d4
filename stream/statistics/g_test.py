"""The likelihood-ratio (G) test of two samples, as it is and with rare buckets pooled."""

import numpy as np
from scipy.special import xlogy

from stream.statistics.homogeneity import MIN_EXPECTED, Homogeneity, judge, pool_rare, tabulate
from stream.statistics.rate_test import rate_increase_p
from stream.statistics.smoothing import Floats


def g_test(window: Floats, reference: Floats, serial_factor: float = 1.0) -> Homogeneity:
    """2 * sum of O ln(O / E) over the 2 x B table; about chi-squared with B - 1 degrees under no drift.

    Source: Wilks 1938, "The large-sample distribution of the likelihood ratio"; Sokal and Rohlf 1981.
    Buckets empty on both sides are left out. Undefined (raises ValueError) when a side has no rows.

    >>> round(g_test(np.array([80.0, 20.0]), np.array([500.0, 500.0])).statistic, 3)
    35.275
    """
    observed, expected = tabulate(window, reference)
    statistic = 2 * float(xlogy(observed, observed / expected).sum())
    return judge(statistic, observed.shape[1], serial_factor)


def pooled_g_test(window: Floats, reference: Floats, serial_factor: float = 1.0) -> Homogeneity:
    """G after pooling the buckets that expect fewer than five rows: its p is what may raise an alarm.

    Its tail holds to p = 1e-5 within 7 % from 50 rows on. Where pooling leaves one bucket (a constant
    feature of which a short window suddenly has another value), there is no G: p is then that of the
    increase of the rare buckets' share, doubled for both directions, and df is 1. `serial_factor`
    (a >= 1) deflates G, see `serial.py`. Undefined (raises ValueError) when a side has no rows.
    """
    q, p = pool_rare(window, reference)
    if len(q) > 1:
        return g_test(q, p, serial_factor)
    return _rare_share(window, reference, serial_factor)


def _rare_share(window: Floats, reference: Floats, serial_factor: float) -> Homogeneity:
    observed, expected = tabulate(window, reference)
    rare = expected.min(axis=0) < MIN_EXPECTED
    if rare.all() or not rare.any():
        return Homogeneity(0.0, 0, 1.0)
    hits, known = observed[:, rare].sum(axis=1)
    n, m = observed.sum(axis=1)
    statistic = g_test(np.array([hits, n - hits]), np.array([known, m - known])).statistic
    increase = rate_increase_p(hits / serial_factor, n / serial_factor, known, m)
    return Homogeneity(statistic, 1, min(1.0, 2 * increase))
