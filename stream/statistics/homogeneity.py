"""What chi-squared and G share: the 2 x B table of two samples, and the law of both under no drift."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from stream.statistics.smoothing import Floats

MIN_EXPECTED = 5.0
"""Buckets that expect fewer rows than this are pooled before a p-value is trusted (Cochran 1954)."""


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """A test statistic, its degrees of freedom and its p-value; df 0 means one bucket: p is 1."""

    statistic: float
    df: int
    p: float


def tabulate(window: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Observed and expected counts, both of shape (2, B), without the buckets empty on both sides.

    Expected are row total * column total / all, as if both rows came from one distribution. Undefined
    (raises ValueError) when a side has no rows.
    """
    observed = np.stack((window, reference))
    observed = observed[:, observed.sum(axis=0) > 0]
    totals = observed.sum(axis=1)
    if not (totals > 0).all():
        raise ValueError("both the window and the reference need rows: skip empty windows")
    return observed, np.outer(totals, observed.sum(axis=0)) / totals.sum()


def judge(statistic: float, buckets: int, serial_factor: float = 1.0) -> Homogeneity:
    """p-value of `statistic` under chi-squared with B - 1 degrees of freedom.

    `serial_factor` (a >= 1) deflates the statistic of serially correlated rows, see `serial.py`.
    """
    df = buckets - 1
    p = float(chdtrc(df, max(statistic, 0.0) / serial_factor)) if df > 0 else 1.0
    return Homogeneity(statistic, df, p)


def pool_rare(window: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """The two samples with all buckets that expect fewer than five rows on a side pooled into one.

    When the pool itself still expects fewer, it joins the smallest of the other buckets. The result has
    shape (B',) and no bucket that is empty on both sides; B' is at least 1.
    """
    observed, expected = tabulate(window, reference)
    rare = expected.min(axis=0) < MIN_EXPECTED
    if not rare.any():
        return observed[0], observed[1]
    pool, pool_expected = observed[:, rare].sum(axis=1), expected[:, rare].sum(axis=1)
    rest, rest_expected = observed[:, ~rare], expected[:, ~rare]
    if pool_expected.min() < MIN_EXPECTED and rest.shape[1]:
        rest = rest.copy()
        rest[:, int(rest_expected.sum(axis=0).argmin())] += pool
        return rest[0], rest[1]
    table = np.column_stack((rest, pool))
    return table[0], table[1]
