"""The reference by hour of day: the same bins, counted for each hour that has enough rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.profiles.categorical import reference_bins
from stream.profiles.hour_histogram import HOURS, SECONDS_AN_HOUR, HourHistogram
from stream.profiles.numeric import assign_bins, summable
from stream.profiles.profile import FeatureProfile

Floats = NDArray[np.float64]
Values = Floats | Sequence[str | None]
"""A column of the reference: numbers, NaN where missing, or categories, None where missing."""

MIN_HOUR_ROWS = 100
"""An hour with fewer rows has no histogram, and its events are compared with the whole reference. As many
rows as a window must have before anything is decided from it (`Thresholds.min_rows`): a comparison is as
uncertain as the smaller of its two sides."""


def hour_histograms(
    features: Sequence[FeatureProfile],
    columns: Sequence[Values],
    times: Sequence[float | None],
    min_rows: int = MIN_HOUR_ROWS,
) -> tuple[HourHistogram, ...]:
    """Count the reference by hour of day (UTC).

    `columns`: the values of each of `features`, in their order. `times`: seconds since the epoch of each
    row; a row without a time (None, NaN) is in no hour, and an hour of fewer than `min_rows` rows is left out.
    """
    hours = _hours_of(times)
    timed = hours >= 0
    rows = np.bincount(hours[timed], minlength=HOURS)
    counted = [_count(one, column, hours, timed) for one, column in zip(features, columns, strict=True)]
    counts = np.concatenate([one for one, _ in counted], axis=1)
    sums = np.concatenate([one for _, one in counted], axis=1)
    return tuple(
        HourHistogram.pack(hour, int(rows[hour]), counts[hour], sums[hour])
        for hour in range(HOURS)
        if rows[hour] >= max(min_rows, 1)
    )


def _hours_of(times: Sequence[float | None]) -> NDArray[np.int64]:
    """Hour of day of each row, -1 where it has no time."""
    seconds = np.array(times, dtype=np.float64)
    known = np.isfinite(seconds)
    hours = np.floor(np.where(known, seconds, 0.0) / SECONDS_AN_HOUR).astype(np.int64) % HOURS
    return np.where(known, hours, -1)


def _count(
    feature: FeatureProfile, column: Values, hours: NDArray[np.int64], timed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Floats]:
    """Counts and sums of one series by hour, both of shape (24, n_bins)."""
    bins, values = _place(feature, column)
    cells = (hours * feature.n_bins + bins)[timed]
    shape = (HOURS, feature.n_bins)
    counts = np.bincount(cells, minlength=HOURS * feature.n_bins)
    sums = np.bincount(cells, weights=values[timed], minlength=HOURS * feature.n_bins)
    return counts.reshape(shape), sums.astype(np.float64).reshape(shape)


def _place(feature: FeatureProfile, column: Values) -> tuple[NDArray[np.int64], Floats]:
    """Fine bin of each reference value, and what it adds to the bin's sum."""
    if not isinstance(column, np.ndarray):
        return reference_bins(feature, column), np.zeros(len(column))
    edges = np.array(feature.edges, dtype=np.float64)
    return assign_bins(edges, column), summable(edges, column)
