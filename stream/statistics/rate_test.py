"""Whether a share (of missing, unseen or out-of-range values) is higher than in the reference."""

import math

from scipy.special import betainc, ndtr, xlogy

from stream.statistics.homogeneity import MIN_EXPECTED


def rate_increase_p(hits: float, n: float, reference_hits: float, m: float) -> float:
    """One-sided p-value that `hits` of n rows are a higher share than `reference_hits` of m.

    With at least five expected rows in all four cells: the signed root of the 2 x 2 G statistic, which
    is about standard normal. With fewer: the conditional test of two Poisson means, hits given all hits
    ~ Binomial(hits + reference_hits, n / (n + m)) (Przyborowski and Wilenski 1940), exact for rare
    hits and cautious for others. Counts may be fractions (rows thinned for serial correlation).
    Undefined (raises ValueError) when n or m is not positive; 1 when the share is not higher.

    >>> rate_increase_p(10, 100, 0, 10_000) < 1e-19
    True
    >>> rate_increase_p(0, 100, 0, 10_000)
    1.0
    """
    if not (n > 0 and m > 0):
        raise ValueError("both the window and the reference need rows: skip empty windows")
    if hits <= 0 or hits * m <= reference_hits * n:
        return 1.0
    both = hits + reference_hits
    shares = (n / (n + m), m / (n + m))
    if min(shares) * min(both, n + m - both) >= MIN_EXPECTED:
        return float(ndtr(-math.sqrt(_g_two_by_two(hits, n, reference_hits, m))))
    return float(betainc(hits, reference_hits + 1, shares[0]))


def _g_two_by_two(hits: float, n: float, reference_hits: float, m: float) -> float:
    both = hits + reference_hits
    parts = (hits, reference_hits, n - hits, m - reference_hits, n + m)
    totals = (both, n + m - both, n, m)
    terms = sum(float(xlogy(part, part)) for part in parts) - sum(float(xlogy(t, t)) for t in totals)
    return max(2 * terms, 0.0)
