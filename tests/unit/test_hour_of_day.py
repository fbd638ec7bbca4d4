"""What hours of day are for: a daily rhythm does not fire, and a change at one hour still does."""

import numpy as np
import pytest

from tests.support.rhythm import DAY, HOUR, compare, fired, sine, sine_profile

WINDOWS = 300


@pytest.mark.parametrize(("reference_rows", "rows"), [(50_000, 1000), (50_000, 10_000), (5000, 1000)])
def test_a_daily_sine_fires_against_the_whole_reference_and_not_against_its_hours(
    reference_rows: int, rows: int
) -> None:
    rng = np.random.default_rng(0)
    profile = sine_profile(rng, reference_rows)
    whole, hourly = 0, 0
    for _ in range(WINDOWS):
        times = 60 * DAY + rng.integers(0, 24 * 60) * 60 + rng.uniform(0, HOUR, rows)
        values = sine(rng, times)
        whole += "psi" in fired(compare(profile, times, values, hourly=False))
        hourly += bool(fired(compare(profile, times, values, hourly=True)))
    assert whole / WINDOWS == pytest.approx(0.72, abs=0.08)
    assert hourly == 0


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_a_shift_is_found_at_every_hour(shift: float) -> None:
    rng = np.random.default_rng(1)
    profile = sine_profile(rng, 50_000)
    missed = 0
    for hour in range(24):
        times = 60 * DAY + hour * HOUR + rng.uniform(0, HOUR, 1000)
        values = sine(rng, times) + shift
        assert "psi" in fired(compare(profile, times, values, hourly=True))
        missed += "psi" not in fired(compare(profile, times, values, hourly=False))
    assert missed > 0, "against the whole reference, a shift against the rhythm hides in it"


@pytest.mark.parametrize(("amplitude", "share"), [(1.0, 0.0), (3.0, 0.15)])
def test_an_hour_is_a_step_that_a_steep_rhythm_shows_in_short_windows(amplitude: float, share: float) -> None:
    """A known limit: minutes at the edge of an hour differ from it, and 1000 rows a minute are enough to see it."""
    rng = np.random.default_rng(0)
    profile = sine_profile(rng, 50_000, amplitude)
    found = 0
    for _ in range(WINDOWS):
        times = 60 * DAY + rng.integers(0, 24 * 60) * 60 + rng.uniform(0, 60, 1000)
        found += bool(fired(compare(profile, times, sine(rng, times, amplitude), hourly=True)))
    assert found / WINDOWS == pytest.approx(share, abs=0.05 if share else 0)


def test_the_values_of_another_hour_are_drift() -> None:
    rng = np.random.default_rng(2)
    profile = sine_profile(rng, 50_000)
    morning, evening = 6 * HOUR + rng.uniform(0, HOUR, 1000), 18 * HOUR + rng.uniform(0, HOUR, 1000)
    stats = compare(profile, morning, sine(rng, evening), hourly=True)
    assert {"psi", "small_but_certain"} <= fired(stats)
    assert stats.reference_mean == pytest.approx(1.0, abs=0.1)
    assert stats.location.mean == pytest.approx(-1.0, abs=0.1)


def test_a_window_without_drift_is_as_certain_as_it_says() -> None:
    """Windows over two hours, a few rows of the reference each: p is at most what it claims."""
    rng = np.random.default_rng(3)
    p = []
    for _ in range(250):
        profile = sine_profile(rng, 5000)
        times = rng.uniform(8.8 * HOUR, 9.8 * HOUR, 500)
        p.append(compare(profile, times, sine(rng, times), hourly=True).g_p)
    assert np.mean(np.array(p) < 0.01) <= 0.03
