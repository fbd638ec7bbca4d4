"""The reference of a window by its hours of day: what the model's data look like at the times of its events.

A daily rhythm is no drift, so each hour's events are compared with the reference rows of that hour. With
w_h the share of the window's events in hour h, the reference is the mixture p = sum of w_h p_h. That is a
weighted sample: each of the m_h reference rows of hour h weighs w_h / m_h. Events of hours that the profile
does not have are compared with all m rows, so their share w_0 adds w_0 / m to the weight of every row.

A weighted sample of rows with weights v that add up to 1 is worth 1 / sum of v^2 rows (Kish 1965, "Survey
Sampling"); without w_0 that is 1 / sum of w_h^2 / m_h. The mixture is scaled to so many rows. An hour that
the window has more of than the reference counts as what it is: few rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stream.panes.totals import Totals
from stream.profiles.hour_histogram import HOURS, Floats, hour_of
from stream.profiles.profile import FeatureProfile, Profile
from stream.profiles.series_reference import SeriesReference


@dataclass(frozen=True, eq=False, slots=True)
class HourMixture:
    """All series of one window's reference. `counts` and `sums`: flat, shape (profile.size,)."""

    rows: float
    """What it is worth in independent rows: at most those of the reference."""
    counts: Floats
    sums: Floats

    def of_series(self, series: FeatureProfile, place: slice) -> SeriesReference:
        """The reference of the series that owns `place` in the flat arrays.

        Its sigma is the profile's: the unit of a shift is not to change over the day, and is not to be zero
        in an hour in which a feature happens to stand still.
        """
        counts, sums = self.counts[place], self.sums[place]
        return SeriesReference(
            n=self.rows,
            counts=counts,
            sums=sums,
            bucket_counts=series.to_buckets(counts),
            mean=_mean(series, counts, sums),
            sigma=series.sigma,
        )


def mix_hours(profile: Profile, events: Floats) -> HourMixture | None:
    """The reference for events at these hours; None where the whole reference is the one to compare with.

    `events`: how many (or which share) of the window's events are in each hour of the day, shape (24,).
    None when the profile has none of the hours that they are in.
    """
    if not profile.hourly:
        return None
    table = profile.hour_table
    used = np.flatnonzero((table.rows > 0) & (events > 0))
    if not len(used):
        return None
    shares = events / events.sum()
    weights = shares[used] / table.rows[used]
    others = float(shares[table.rows == 0].sum()) / profile.n_rows
    rows = _worth(table.rows[used], weights, others, profile.n_rows)
    return HourMixture(
        rows=rows,
        counts=rows * (weights @ table.counts[used] + others * profile.count_array),
        sums=rows * (weights @ table.sums[used] + others * profile.sum_array),
    )


def events_by_hour(parts: Iterable[tuple[int, Totals]], profile_id: str) -> Floats:
    """Events per hour of the day (UTC), shape (24,), up to a common factor: each is in one bin of every series.

    `parts`: start (seconds since the epoch) and totals of the slots and panes of a window. None of them
    crosses an hour. Those that were counted against another profile are left out, as in the window's sum.
    """
    events = np.zeros(HOURS)
    for start, totals in parts:
        if totals.profile_id == profile_id:
            events[hour_of(start)] += float(totals.counts.sum())
    return events


def _worth(rows: Floats, weights: Floats, others: float, all_rows: int) -> float:
    """Kish's 1 / sum of squared weights; `others` is what every row weighs, also those of no hour used."""
    squares = float(rows @ (weights + others) ** 2)
    return 1 / (squares + (all_rows - float(rows.sum())) * others**2)


def _mean(series: FeatureProfile, counts: Floats, sums: Floats) -> float | None:
    if series.kind == "categorical":
        return None
    within = slice(1, -2)  # not below-min, above-max and missing, as in the profile's own mean
    values = float(counts[within].sum())
    return float(sums[within].sum()) / values if values else None
