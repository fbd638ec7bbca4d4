"""Any reference with times: its hours are a partition of it, and every mixture of them is a reference."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.profiles.build import Column, build_profile
from stream.profiles.codec import content_id, decode_profile, encode_profile, make_profile
from stream.profiles.hour_histogram import HOURS
from stream.profiles.hours import hour_histograms
from stream.profiles.profile import Profile
from stream.statistics.measure import measure
from stream.statistics.smoothing import Floats
from stream.windows.hour_mixture import mix_hours

numbers = st.none() | st.floats(-1e6, 1e6, width=32)
names = st.none() | st.sampled_from("abcdef")
hours = st.integers(0, HOURS - 1)
timed_rows = st.lists(st.tuples(numbers, names, hours), min_size=1, max_size=120)
rows = st.lists(st.tuples(numbers, names, st.none() | hours), min_size=1, max_size=120)
events = st.lists(st.integers(0, 50), min_size=HOURS, max_size=HOURS).filter(any).map(lambda n: np.array(n, float))


def profile_of(found: list[tuple[float | None, str | None, int | None]], min_rows: int = 1) -> Profile:
    """Of rows (number, name, hour), with hours of as few as `min_rows` rows."""
    numbers = np.array([row[0] for row in found], dtype=np.float64)
    categories = [row[1] for row in found]
    columns: dict[str, Column] = {"x": numbers, "c": categories}
    plain = build_profile(columns, model="m", version=1, kinds={"x": "numeric", "c": "categorical"})
    times = [None if row[2] is None else row[2] * 3600.0 for row in found]
    kept = hour_histograms(plain.features, [numbers, categories], times, min_rows)
    return make_profile(
        model="m", version=1, source="reference", n_rows=plain.n_rows, features=plain.features, hours=kept
    )


@given(timed_rows)
def test_in_the_reference_s_own_proportions_the_mixture_is_all_of_it(found: list[tuple[float, str, int]]) -> None:
    profile = profile_of(list(found))
    mixture = mix_hours(profile, profile.hour_table.rows)
    assert mixture is not None
    assert mixture.rows == pytest.approx(profile.n_rows)
    assert mixture.counts == pytest.approx(profile.count_array)
    assert mixture.sums == pytest.approx(profile.sum_array, abs=1e-6 * np.abs(profile.hour_table.sums).sum())


@given(rows, st.integers(1, 20))
def test_hours_are_a_partition_of_the_rows_that_have_one(
    found: list[tuple[float | None, str | None, int | None]], min_rows: int
) -> None:
    profile = profile_of(found, min_rows)
    table = profile.hour_table
    per_hour = np.bincount([row[2] for row in found if row[2] is not None], minlength=HOURS)
    assert table.rows.tolist() == np.where(per_hour >= min_rows, per_hour, 0).tolist()
    for _, place in profile.slices():
        assert table.counts[:, place].sum(axis=1).tolist() == table.rows.tolist()
    assert (table.counts.sum(axis=0) <= profile.count_array).all()


@given(rows, events, st.integers(1, 20))
def test_a_mixture_is_a_reference_of_at_most_all_rows(
    found: list[tuple[float | None, str | None, int | None]], events: Floats, min_rows: int
) -> None:
    profile = profile_of(found, min_rows)
    mixture, scaled = mix_hours(profile, events), mix_hours(profile, events * 7)
    if mixture is None or scaled is None:
        assert not (events[profile.hour_table.rows > 0] > 0).any()
        return
    assert 0 < mixture.rows <= profile.n_rows * (1 + 1e-9)
    assert scaled.counts == pytest.approx(mixture.counts)
    for series, place in profile.slices():
        reference = mixture.of_series(series, place)
        assert (reference.counts >= 0).all()
        assert reference.counts.sum() == pytest.approx(mixture.rows)
        assert reference.bucket_counts.sum() == pytest.approx(mixture.rows)
        numeric = series.kind == "numeric" and bool(reference.counts[:-1].any())
        assert (reference.mean is not None) == numeric


@given(timed_rows, events)
def test_a_window_of_the_mixture_itself_has_not_moved(found: list[tuple[float, str, int]], events: Floats) -> None:
    profile = profile_of(list(found))
    mixture = mix_hours(profile, np.where(profile.hour_table.rows > 0, events + 1, 0))
    assert mixture is not None
    for series, place in profile.slices():
        counts = np.round(mixture.counts[place] / mixture.rows * 1e9).astype(np.int64)
        sums = mixture.sums[place] / mixture.rows * 1e9
        stats = measure(series, counts, sums, reference=mixture.of_series(series, place))
        assert stats.g_p > 0.5
        assert max(stats.missing.delta, stats.unseen.delta, stats.out_of_range.delta) < 1e-6


@given(rows)
def test_codec_round_trip_with_hours(found: list[tuple[float | None, str | None, int | None]]) -> None:
    profile = profile_of(found)
    decoded = decode_profile(encode_profile(profile))
    assert decoded == profile
    assert content_id(decoded) == profile.id
    without = msgspec.structs.replace(profile, hours=msgspec.UNSET)
    assert b"hours" not in encode_profile(without)
