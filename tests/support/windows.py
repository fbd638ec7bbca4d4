"""Histograms of one series, for tests of statistics and decisions."""

import numpy as np
from numpy.typing import NDArray

from stream.profiles.build import build_profile
from stream.profiles.numeric import assign_bins, summable
from stream.profiles.profile import FeatureProfile

Floats = NDArray[np.float64]


def numeric_reference(values: Floats) -> FeatureProfile:
    """The profile of one numeric feature `x`."""
    return build_profile({"x": values}, model="m", version=1, kinds={"x": "numeric"}).features[0]


def window_of(reference: FeatureProfile, values: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Counts and sums of a window's values (NaN: missing) in the reference's fine bins."""
    edges = np.array(reference.edges)
    bins = assign_bins(edges, values)
    counts = np.bincount(bins, minlength=reference.n_bins)
    sums = np.bincount(bins, weights=summable(edges, values), minlength=reference.n_bins)
    return counts, sums.astype(np.float64)
