"""Fine bins of a numeric series, from quantiles and common values of its reference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.profiles.labels import numeric_labels
from stream.profiles.profile import FeatureProfile, Role
from stream.profiles.values import NUMBER_LIMIT

QUANTILES = 100
"""By default; a wide profile has fewer, so that all of its bins stay within a bound (stream/profiles/build.py)."""
TAILS = (0.0005, 0.001, 0.002, 0.005)
"""Extra quantiles at each side: drift often starts in a tail that a 1 % bin would average away."""
BUCKETS = 10

Floats = NDArray[np.float64]


def build_numeric(name: str, role: Role, values: Floats, fineness: int = QUANTILES) -> FeatureProfile:
    """Profile a numeric column, shape (rows,), NaN where missing. Infinite values are out of range.

    `fineness`: how many quantiles, and of how many distinct values at most each has a bin of its own.
    """
    usable = values[np.abs(values) < NUMBER_LIMIT]
    edges = fine_edges(usable, fineness)
    bins = assign_bins(edges, values)
    n_bins = len(edges) + 2
    counts = np.bincount(bins, minlength=n_bins)
    sums = np.bincount(bins, weights=summable(edges, values), minlength=n_bins)
    decile = _deciles(counts[1:-2])
    bucket_of, labels = numeric_labels(edges, decile)
    mean, sigma = _moments(usable)
    return FeatureProfile(
        name=name,
        role=role,
        kind="numeric",
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        sums=tuple(sums.tolist()),
        bucket_of=bucket_of,
        buckets=labels,
        mean=mean,
        sigma=sigma,
    )


def fine_edges(values: Floats, fineness: int = QUANTILES) -> Floats:
    """Ascending edges of the fine bins of `values`, finite and of any order, shape (rows,).

    The quantiles are values of the sample itself (the inverted empirical CDF; Hyndman and Fan 1996,
    type 1), so an edge never falls between two neighbours of a discrete feature. The last edge is the
    float after the maximum, so that half-open bins hold it. Without values there are no edges.
    A value with at least 1 / `fineness` of the mass is a bin of its own.
    """
    if not len(values):
        return np.empty(0)
    quantiles = np.linspace(0, 1, fineness + 1)
    tails = np.array(TAILS)
    probabilities = np.concatenate((quantiles, tails, 1 - tails))
    sampled = np.quantile(values, probabilities, method="inverted_cdf")
    common = _common_values(values, fineness)
    after = np.nextafter(np.append(common, values.max()), np.inf)
    # Adding 0.0 turns -0.0 into 0.0: the two are equal, and a profile's hash must not tell them apart.
    return np.unique(np.concatenate((sampled, common, after))) + 0.0


def _moments(values: Floats) -> tuple[float, float] | tuple[None, None]:
    if not len(values):
        return None, None
    if values.min() == values.max():
        # Rounding would give a constant feature a sigma of about 1e-18, and shifts of 1e15 sigma.
        return float(values[0]) + 0.0, 0.0
    return float(values.mean()), float(values.std())


def _common_values(values: Floats, fineness: int) -> Floats:
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= fineness:
        return distinct
    return distinct[counts * fineness >= len(values)]


def assign_bins(edges: Floats, values: Floats) -> NDArray[np.int64]:
    """Fine bin of each value: 0 below, 1.. inside, len(edges) above (both infinite ends), then missing.

    Without edges every value falls into bin 0, which is then both below and above.
    """
    bins = edges.searchsorted(values, side="right")
    missing = np.isnan(values)
    if missing.any():
        bins[missing] = len(edges) + 1
    return bins


def summable(edges: Floats, values: Floats) -> Floats:
    """`values` fit for adding up: missing ones are 0, infinite ones the nearest end of the reference."""
    low, high = (edges[0], edges[-1]) if len(edges) else (0.0, 0.0)
    ends = np.where(values > 0, high, low)
    finite = np.where(np.abs(values) < NUMBER_LIMIT, values, ends)
    return np.where(np.isnan(values), 0.0, finite)


def _deciles(counts: NDArray[np.int64]) -> Sequence[int]:
    """Decile 0..9 of each inner bin: where the middle of its mass lies in the reference."""
    if not counts.sum():
        return []
    upper = np.cumsum(counts) / counts.sum()
    middle = (upper + (upper - counts / counts.sum())) / 2
    deciles = np.clip(np.floor(middle * BUCKETS), 0, BUCKETS - 1).astype(int)
    return [int(decile) for decile in deciles]
