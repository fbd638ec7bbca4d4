"""What fires, what does not, and what ends an alarm: the rule on simulated streams and step by step."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from stream.profiles.build import build_profile
from stream.profiles.numeric import assign_bins
from stream.profiles.profile import FeatureProfile
from stream.statistics.alpha import alpha_star
from stream.statistics.measure import SeriesStatistics, measure
from stream.windows.decision import Channel, SeriesState, Thresholds, decide
from tests.support.windows import Floats, numeric_reference, window_of

ALPHA = alpha_star(50, (60, 300, 3600, 86_400), 5)
MINUTE = 60.0
STEPS_A_WINDOW = 12
NORMAL = numeric_reference(np.random.default_rng(0).normal(size=10_000))


def stats_of(values: Floats, reference: FeatureProfile = NORMAL) -> SeriesStatistics:
    return measure(reference, *window_of(reference, values))


def state_after(values: Floats, reference: FeatureProfile = NORMAL) -> SeriesState:
    return decide(stats_of(values, reference), SeriesState(), alpha=ALPHA, now=0, window=MINUTE)


def sliding(values: Floats, rows: int, reference: FeatureProfile = NORMAL) -> Iterable[SeriesStatistics]:
    """Statistics of windows of `rows` rows, twelve evaluations per window length."""
    step = rows // STEPS_A_WINDOW
    bins = assign_bins(np.array(reference.edges), values)
    for end in range(rows, len(values) + 1, step):
        counts, sums = histogram(reference, bins[end - rows : end], values[end - rows : end])
        yield measure(reference, counts, sums)


def histogram(reference: FeatureProfile, bins: NDArray[np.int64], values: Floats) -> tuple[NDArray[np.int64], Floats]:
    counts = np.bincount(bins, minlength=reference.n_bins)
    return counts, np.bincount(bins, weights=values, minlength=reference.n_bins).astype(np.float64)


def run(windows: Iterable[SeriesStatistics]) -> list[SeriesState]:
    states, state = [], SeriesState()
    for number, stats in enumerate(windows):
        state = decide(stats, state, alpha=ALPHA, now=5.0 * number, window=MINUTE)
        states.append(state)
    return states


def episodes(states: list[SeriesState], channel: Channel) -> int:
    on = [channel in state.channels for state in states]
    return sum(1 for before, now in pairwise([False, *on]) if now and not before)


@pytest.mark.parametrize(("rows", "naive_at_least"), [(108, 10), (204, 0)])
def test_noise_never_fires_though_a_bare_psi_would(rows: int, naive_at_least: int) -> None:
    windows = list(sliding(np.random.default_rng(rows).normal(size=rows * 60), rows))
    naive = sum(stats.psi > 0.2 for stats in windows)
    assert naive >= naive_at_least
    assert {state.state for state in run(windows)} == {"quiet"}


def test_fewer_than_a_hundred_rows_are_insufficient_and_never_quiet() -> None:
    values = np.random.default_rng(1).normal(size=99)
    assert state_after(values).state == "insufficient_data"
    assert state_after(values + 5).state == "insufficient_data"
    assert state_after(np.append(values, 0.0)).state == "quiet"
    empty = decide(None, SeriesState(), alpha=ALPHA, now=0, window=MINUTE)
    assert (empty.state, empty.since) == ("insufficient_data", 0)


def test_correlated_rows_count_for_what_they_are_worth() -> None:
    stats = measure(NORMAL, *window_of(NORMAL, np.full(150, 9.0)), serial_factor=2.0)
    assert decide(stats, SeriesState(), alpha=ALPHA, now=0, window=60).state == "insufficient_data"


@pytest.mark.parametrize(
    ("name", "change", "at_most"),
    [
        ("mean + 0.5 sigma", lambda x: x + 0.5, 300),
        ("mean + 1 sigma", lambda x: x + 1, 150),
        ("scale x 2", lambda x: x * 2, 225),
        ("unit x 1000", lambda x: x * 1000, 75),
    ],
)
def test_a_shift_fires_within_so_many_rows(name: str, change: object, at_most: int) -> None:
    assert callable(change)
    rows, delays = 204, []
    for seed in range(15):
        generator = np.random.default_rng(seed)
        before, after = generator.normal(size=rows), change(generator.normal(size=800))
        states = run(sliding(np.concatenate((before, after)), rows))
        first = next(number for number, state in enumerate(states) if state.state == "drift")
        delays.append(first * (rows // STEPS_A_WINDOW))
    assert 0 < np.median(delays) <= at_most, name


def test_an_effect_near_the_mark_does_not_flap() -> None:
    # Two values at 1/2 each: PSI is (q - 1/2) ln(q / (1 - q)). One window is a minute, so five hours.
    reference = numeric_reference(np.repeat([0.0, 1.0], 5000))
    share = next(q for q in np.arange(0.5, 0.9, 0.0001) if (q - 0.5) * np.log(q / (1 - q)) >= 0.2)
    values = (np.random.default_rng(6).random(1008 * 60 * 5) < share).astype(float)
    windows = list(sliding(values, 1008, reference))
    states = run(windows)
    fired = [stats.psi >= 0.2 for stats in windows]
    crossings = sum(1 for before, now in pairwise(fired) if now and not before)
    assert crossings > 20
    assert episodes(states, "psi") == 1


def test_it_resolves_after_one_whole_calm_window_and_not_before() -> None:
    quiet, loud = stats_of(NORMAL_SAMPLE), stats_of(NORMAL_SAMPLE + 2)
    state = decide(loud, SeriesState(), alpha=ALPHA, now=100, window=MINUTE)
    assert (state.state, state.since, state.channels[0]) == ("drift", 100, "psi")
    state = decide(quiet, state, alpha=ALPHA, now=105, window=MINUTE)
    state = decide(quiet, state, alpha=ALPHA, now=164, window=MINUTE)
    assert (state.state, state.since) == ("drift", 100)
    state = decide(quiet, state, alpha=ALPHA, now=165, window=MINUTE)
    assert (state.state, state.since, state.channels) == ("quiet", 165, ())


def test_a_calm_that_is_broken_starts_again() -> None:
    quiet, loud = stats_of(NORMAL_SAMPLE), stats_of(NORMAL_SAMPLE + 2)
    state = SeriesState()
    for now, stats in ((0, loud), (10, quiet), (60, loud), (71, quiet), (130, quiet)):
        state = decide(stats, state, alpha=ALPHA, now=now, window=MINUTE)
        assert state.state == "drift"
    assert decide(quiet, state, alpha=ALPHA, now=131, window=MINUTE).state == "quiet"


def test_lack_of_rows_neither_resolves_nor_counts_as_calm() -> None:
    quiet, loud = stats_of(NORMAL_SAMPLE), stats_of(NORMAL_SAMPLE + 2)
    state = decide(loud, SeriesState(), alpha=ALPHA, now=0, window=MINUTE)
    state = decide(quiet, state, alpha=ALPHA, now=10, window=MINUTE)
    for now, stats in ((40, None), (80, stats_of(NORMAL_SAMPLE[:50])), (500, None)):
        state = decide(stats, state, alpha=ALPHA, now=now, window=MINUTE)
        assert (state.state, state.since) == ("drift", 0)
    state = decide(quiet, state, alpha=ALPHA, now=505, window=MINUTE)
    assert state.state == "drift"
    assert decide(quiet, state, alpha=ALPHA, now=565, window=MINUTE).state == "quiet"


@pytest.mark.parametrize("rows", [120, 204, 300])
def test_small_windows_resolve_too_when_the_drift_is_over(rows: int) -> None:
    generator = np.random.default_rng(9)
    values = np.concatenate((generator.normal(size=rows * 2) + 3, generator.normal(size=rows * 12)))
    states = run(sliding(values, rows))
    assert states[0].state == "drift"
    assert states[-1].state == "quiet"


def test_a_small_shift_that_is_certain_has_a_channel_of_its_own() -> None:
    shifted = np.random.default_rng(3).normal(size=5000) + 0.25
    assert stats_of(shifted).psi < 0.1
    state = state_after(shifted)
    assert (state.state, state.channels) == ("drift", ("small_but_certain",))


def test_a_certain_change_between_the_levels_is_moderate() -> None:
    reference = build_profile({"colour": ["red", "blue"] * 5000}, model="m", version=1).features[0]
    red, zeros = np.array([660, 340, 0, 0]), np.zeros(4)
    stats = measure(reference, red, zeros)
    assert 0.1 <= stats.psi < 0.2
    state = decide(stats, SeriesState(), alpha=ALPHA, now=7, window=MINUTE)
    assert (state.state, state.since, state.channels) == ("moderate", 7, ())


@pytest.mark.parametrize(("missing", "fires"), [(0.10, True), (0.04, False)])
def test_missing_values_fire_from_five_points(missing: float, fires: bool) -> None:
    values = np.random.default_rng(5).normal(size=2000)
    values[: int(2000 * missing)] = np.nan
    assert ("missing" in state_after(values).channels) is fires


def test_values_out_of_range_and_unseen_categories_fire() -> None:
    generator = np.random.default_rng(5)
    values = np.concatenate((generator.normal(size=180), np.full(20, 1e6)))
    assert "out_of_range" in state_after(values).channels
    reference = build_profile({"colour": ["red", "blue"] * 500}, model="m", version=1).features[0]
    stats = measure(reference, np.array([90, 90, 20, 0]), np.zeros(4))
    state = decide(stats, SeriesState(), alpha=ALPHA, now=0, window=MINUTE)
    assert "unseen" in state.channels


def test_a_constant_feature() -> None:
    reference = numeric_reference(np.full(12_000, 0.003467))
    assert state_after(np.full(100, 0.003467), reference).state == "quiet"
    moved = np.random.default_rng(2).uniform(0.002, 0.005, size=100)
    assert {"psi", "out_of_range"} <= set(state_after(moved, reference).channels)


def test_thresholds_are_the_users() -> None:
    shifted = np.random.default_rng(3).normal(size=5000) + 0.25
    strict = Thresholds(psi_fire=0.03, psi_resolve=0.01)
    state = decide(stats_of(shifted), SeriesState(), alpha=ALPHA, now=0, window=MINUTE, thresholds=strict)
    assert "psi" in state.channels


NORMAL_SAMPLE = np.random.default_rng(12).normal(size=3000)
