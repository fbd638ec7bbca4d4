"""The reference of a window: the hours that its events are in, what that is worth, and what stands in for an hour."""

import numpy as np
import pytest

from stream.panes.totals import Totals
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile
from stream.windows.hour_mixture import events_by_hour, mix_hours
from tests.support.rhythm import HOUR

NIGHT, DAY_ROWS, NO_TIME = 100, 300, 50


def day_and_night(night: int = NIGHT) -> Profile:
    """The value 0 at 3 h, 10 at 12 h, and 5 where there is no time."""
    values = [0.0] * night + [10.0] * DAY_ROWS + [5.0] * NO_TIME
    times = [3 * HOUR] * night + [12 * HOUR] * DAY_ROWS + [None] * NO_TIME
    return build_profile({"x": values, "c": ["a"] * len(values)}, model="m", version=1, times=times)


def events(**by_hour: float) -> np.ndarray:
    found = np.zeros(24)
    for hour, count in by_hour.items():
        found[int(hour.removeprefix("h"))] = count
    return found


def test_one_hour_is_its_own_reference() -> None:
    profile = day_and_night()
    mixture = mix_hours(profile, events(h3=7))
    assert mixture is not None
    (series, place), _ = profile.slices()
    reference = mixture.of_series(series, place)
    assert reference.n == pytest.approx(NIGHT)
    assert reference.counts.tolist() == pytest.approx([0, NIGHT, 0, 0, 0, 0, 0, 0])
    assert reference.mean == 0.0
    assert reference.sigma == series.sigma
    assert reference.bucket_counts.sum() == pytest.approx(NIGHT)


def test_two_hours_are_mixed_by_the_window_s_events() -> None:
    profile = day_and_night()
    mixture = mix_hours(profile, events(h3=50, h12=150))
    assert mixture is not None
    assert mixture.rows == pytest.approx(1 / (0.25**2 / NIGHT + 0.75**2 / DAY_ROWS))
    (series, place), (other, other_place) = profile.slices()
    assert mixture.of_series(series, place).mean == pytest.approx(7.5)
    assert mixture.of_series(other, other_place).mean is None
    assert mixture.of_series(other, other_place).counts[0] == pytest.approx(mixture.rows)


def test_an_hour_without_enough_rows_is_compared_with_all_of_them() -> None:
    profile = day_and_night(night=99)
    m = profile.n_rows
    assert mix_hours(profile, events(h3=50)) is None
    mixture = mix_hours(profile, events(h3=20, h12=180))
    assert mixture is not None
    (series, place), _ = profile.slices()
    shares = mixture.of_series(series, place).counts / mixture.rows
    assert shares == pytest.approx(0.9 * (series.count_array == DAY_ROWS) + 0.1 * series.count_array / m)
    weights = np.array([0.9 / DAY_ROWS + 0.1 / m] * DAY_ROWS + [0.1 / m] * (m - DAY_ROWS))
    assert mixture.rows == pytest.approx(1 / (weights**2).sum())


def test_without_events_or_hours_all_of_the_reference_holds() -> None:
    untimed = build_profile({"x": [1.0, 2.0]}, model="m", version=1)
    for profile, counts in ((day_and_night(), events()), (untimed, events(h3=1))):
        assert mix_hours(profile, counts) is None


def test_events_are_counted_at_the_hour_of_their_slot_and_profile() -> None:
    day = 86_400 * 20_000
    parts = [(day + 3600, Totals.empty("p", 4)), (day + 7190, Totals.empty("p", 4)), (day + 7200, Totals.empty("p", 4))]
    parts.append((day, Totals.empty("other", 4)))
    for number, (_, totals) in enumerate(parts, start=1):
        totals.counts[:] = number
    assert events_by_hour(parts, "p").tolist() == events(h1=12, h2=12).tolist()
