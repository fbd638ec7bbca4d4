"""A feature with a daily rhythm, and windows of it."""

import numpy as np

from stream.profiles.build import build_profile
from stream.profiles.hour_histogram import HOURS
from stream.profiles.profile import Profile
from stream.statistics.alpha import alpha_star
from stream.statistics.measure import SeriesStatistics, measure
from stream.windows.decision import Thresholds, evidence_of
from stream.windows.hour_mixture import mix_hours
from tests.support.windows import Floats, window_of

HOUR = 3600.0
DAY = HOURS * HOUR
ALPHA = alpha_star(50, (60, 300, 3600, 86_400), 5)


def sine(rng: np.random.Generator, times: Floats, amplitude: float = 1.0) -> Floats:
    """Noise of one sigma around a daily sine; its amplitude in sigma."""
    return amplitude * np.sin(2 * np.pi * times / DAY) + rng.normal(size=len(times))


def sine_profile(rng: np.random.Generator, rows: int, amplitude: float = 1.0) -> Profile:
    """A reference of so many rows, spread evenly over 30 days."""
    times = rng.uniform(0, 30 * DAY, rows)
    return build_profile({"x": sine(rng, times, amplitude)}, model="m", version=1, times=times.tolist())


def by_hour(times: Floats) -> Floats:
    """How many of these seconds since the epoch lie in each hour of the day."""
    return np.bincount((times // HOUR % HOURS).astype(np.int64), minlength=HOURS).astype(np.float64)


def compare(profile: Profile, times: Floats, values: Floats, *, hourly: bool) -> SeriesStatistics:
    """A window of the only series of a profile, against its hours or against all of it."""
    (series,) = profile.features
    mixture = mix_hours(profile, by_hour(times)) if hourly else None
    reference = None if mixture is None else mixture.of_series(series, slice(0, series.n_bins))
    return measure(series, *window_of(series, values), reference=reference)


def fired(stats: SeriesStatistics) -> set[str]:
    """The channels that would raise an alarm."""
    return {str(evidence.channel) for evidence in evidence_of(stats, ALPHA, Thresholds()) if evidence.fires}
