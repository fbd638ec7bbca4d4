"""All statistics of one series in one window, from its histogram and its profile."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.contracts.metrics import MovedBucket
from stream.profiles.profile import FeatureProfile
from stream.profiles.series_reference import SeriesReference
from stream.statistics.chi2 import chi2
from stream.statistics.g_test import g_test, pooled_g_test
from stream.statistics.hellinger import hellinger
from stream.statistics.js import js
from stream.statistics.kl import kl
from stream.statistics.ks import ks, ks_p
from stream.statistics.moved import moved_buckets
from stream.statistics.noise_floor import noise_floor
from stream.statistics.psi import psi
from stream.statistics.rate_test import rate_increase_p
from stream.statistics.rates import rate
from stream.statistics.smoothing import Floats
from stream.statistics.wasserstein import wasserstein


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """What only numbers have. None where undefined: no values on a side, or (w1_sigma) a constant reference."""

    ks: float | None = None
    ks_p: float | None = None
    w1: float | None = None
    w1_sigma: float | None = None
    mean: float | None = None


class RateChange(msgspec.Struct, frozen=True, kw_only=True):
    """A share of rows (0..1), how much it rose over the reference's, and how surely it did (one-sided p)."""

    rate: float = 0.0
    delta: float = 0.0
    p: float = 1.0


class SeriesStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One series in one window, compared with its reference. p-values allow for serial correlation."""

    series: str
    n: int
    """Rows in the window, those with a missing value included."""
    n_eff: float
    """What they are worth as independent rows."""
    buckets: int
    """Buckets that are not empty on both sides."""
    psi: float
    psi_noise: float
    """The PSI that chance alone exceeds with probability 0.05 (`noise_floor.py`): what is drawn beside PSI."""
    kl: float
    kl_reverse: float
    js: float
    hellinger: float
    chi2: float
    chi2_p: float
    g: float
    """On all buckets, like chi2; both have `df` degrees of freedom."""
    df: int
    g_p: float
    """From G with rare buckets pooled: the one that decides."""
    location: Location
    reference_mean: float | None
    missing: RateChange
    unseen: RateChange
    """Zeros for a numeric series."""
    out_of_range: RateChange
    """Zeros for a categorical series."""
    moved: list[MovedBucket]
    """At most three, the largest term of the PSI first."""


def measure(
    series: FeatureProfile,
    counts: NDArray[np.int64],
    sums: Floats,
    *,
    serial_factor: float = 1.0,
    reference: SeriesReference | None = None,
) -> SeriesStatistics:
    """Compare a window with its reference.

    `counts`, `sums`: the series' slice of a histogram, shape (series.n_bins,). `serial_factor`: see
    `serial.py`. `reference`: another than all of the series' own, in the same bins.

    Raises:
        ValueError: when the window or the reference has no rows; skip such windows.
    """
    known = reference or series.reference
    window = series.to_buckets(counts)
    base = known.bucket_counts
    n, n_eff = int(counts.sum()), float(counts.sum()) / serial_factor
    buckets = int(((window > 0) | (base > 0)).sum())
    divergence = psi(window, base)
    forward = kl(window, base)
    pearson, likelihood = chi2(window, base, serial_factor), g_test(window, base)
    unseen = () if series.unseen_bin is None else (series.unseen_bin,)
    return SeriesStatistics(
        series=series.key,
        n=n,
        n_eff=n_eff,
        buckets=buckets,
        psi=divergence,
        psi_noise=noise_floor(n_eff, known.n, buckets, 0.05),
        kl=forward,
        kl_reverse=kl(base, window),
        js=js(window, base),
        hellinger=hellinger(window, base),
        chi2=pearson.statistic,
        chi2_p=pearson.p,
        g=likelihood.statistic,
        df=likelihood.df,
        g_p=pooled_g_test(window, base, serial_factor).p,
        location=Location() if series.kind == "categorical" else _location(known, counts, sums, serial_factor),
        reference_mean=known.mean,
        missing=_rate_change(known, counts, (series.missing_bin,), serial_factor),
        unseen=_rate_change(known, counts, unseen, serial_factor),
        out_of_range=_rate_change(known, counts, series.out_of_range_bins, serial_factor),
        moved=moved_buckets(window, base, series.buckets),
    )


def _location(reference: SeriesReference, counts: NDArray[np.int64], sums: Floats, serial_factor: float) -> Location:
    window, base = counts[:-1].astype(np.float64), reference.counts[:-1]
    n, m = float(window.sum()), float(base.sum())
    if not n:
        return Location()
    mean = float(sums[:-1].sum()) / n
    if not m:
        return Location(mean=mean)
    distance = ks(window, base)
    moved = wasserstein(window, sums[:-1], base, reference.sums[:-1])
    return Location(
        ks=distance,
        ks_p=ks_p(distance, n / serial_factor, m),
        w1=moved,
        w1_sigma=moved / reference.sigma if reference.sigma else None,
        mean=mean,
    )


def _rate_change(
    reference: SeriesReference, counts: NDArray[np.int64], bins: tuple[int, ...], serial_factor: float
) -> RateChange:
    if not bins:
        return RateChange()
    base = reference.counts
    now, before = rate(counts, bins), rate(base, bins)
    if now <= before:
        return RateChange(rate=now, delta=now - before)
    n_eff = float(counts.sum()) / serial_factor
    p = rate_increase_p(now * n_eff, n_eff, before * reference.n, reference.n)
    return RateChange(rate=now, delta=now - before, p=p)
