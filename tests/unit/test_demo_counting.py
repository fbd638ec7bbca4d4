"""The demo's own counting: bare alarms per window of 100 rows, and the recount of the stored events."""

import numpy as np
import pytest

from stream.histograms.binning import Binner
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile
from stream.statistics.psi import psi
from tidegate.demo.bare_psi import BarePsi
from tidegate.demo.recount import difference


@pytest.fixture(scope="module")
def profile() -> Profile:
    random = np.random.default_rng(5)
    columns = {"a": random.normal(size=2000), "b": random.normal(size=2000)}
    return build_profile(columns, {"prediction": random.random(2000)}, model="m", version=1)


def rows(seed: int, count: int, shift: float = 0.0) -> list[dict[str, float]]:
    random = np.random.default_rng(seed)
    return [{"a": float(random.normal()), "b": float(random.normal()) + shift} for _ in range(count)]


def test_only_full_windows_are_judged_however_the_rows_come(profile: Profile) -> None:
    whole, pieces = BarePsi(profile), BarePsi(profile)
    sent = rows(1, 450)
    whole.add(sent)
    for start in range(0, 450, 7):
        pieces.add(sent[start : start + 7])
    assert whole.features == pieces.features
    assert whole.features["a"].windows == 4
    assert set(whole.features) == {"a", "b"}


def test_a_shift_alarms_in_its_feature_only(profile: Profile) -> None:
    bare = BarePsi(profile)
    bare.add(rows(2, 300, shift=2.0))
    assert bare.features["b"].alarms == 3
    assert bare.total.alarms == 3 + bare.features["a"].alarms
    assert bare.total.windows == 6


def test_the_highest_is_the_psi_of_that_window(profile: Profile) -> None:
    sent = rows(3, 100)
    bare = BarePsi(profile)
    bare.add(sent)
    series, place = profile.slices()[0]
    counts = Binner(profile).empty()
    Binner(profile).count(sent, [None] * 100, counts)
    assert bare.features["a"].highest == psi(series.to_buckets(counts.counts[place]), series.bucket_counts)


def stored(profile: Profile) -> tuple[dict[int, int], list[tuple[dict[str, float], float]]]:
    events = [(row, 0.5) for row in rows(4, 200)]
    histogram = Binner(profile).empty()
    Binner(profile).count([row for row, _ in events], [value for _, value in events], histogram)
    return {int(i): int(histogram.counts[i]) for i in np.flatnonzero(histogram.counts)}, events


def test_equal_histograms_have_no_difference(profile: Profile) -> None:
    assert difference(profile, *stored(profile)) is None


def test_a_row_counted_twice_is_found(profile: Profile) -> None:
    counted, events = stored(profile)
    series, place = profile.slices()[1]
    first = min(one for one in counted if one >= place.start)
    counted[first] += 1
    found = difference(profile, counted, events)
    assert found is not None
    assert found.startswith(f"{series.key} has {counted[first]} rows")


def test_a_row_that_was_never_counted_is_found(profile: Profile) -> None:
    counted, events = stored(profile)
    assert difference(profile, counted, [*events, ({"a": 0.0, "b": 0.0}, 0.1)]) is not None


def test_a_bin_outside_the_profile_is_found(profile: Profile) -> None:
    counted, events = stored(profile)
    assert difference(profile, {**counted, profile.size: 1}, events) is not None
