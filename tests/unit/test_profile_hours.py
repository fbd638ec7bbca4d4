"""The reference by hour of day: what a profile keeps of it, and what it leaves as it was."""

import msgspec
import numpy as np
import pytest

from stream.profiles.build import build_profile
from stream.profiles.codec import decode_profile, encode_profile
from stream.profiles.hours import MIN_HOUR_ROWS
from stream.profiles.profile import Profile
from tests.support.rhythm import DAY, HOUR

RECORD_LIMIT = 12_582_912


def profile_at(hours: list[float | None], values: list[object] | None = None) -> Profile:
    times = [None if hour is None else hour * HOUR for hour in hours]
    column = list(range(len(hours))) if values is None else values
    return build_profile({"x": column}, model="m", version=1, times=times)


def test_a_profile_without_timestamps_is_what_it_was_before_there_were_hours() -> None:
    profile = build_profile(
        {"x": [1.0, 2.5, None, 2.5], "c": ["a", "b", "a", None]},
        {"prediction": [0.25, 0.5, 0.5, 0.75]},
        model="m",
        version=1,
    )
    assert profile.id == "a8460ddea8a3cd22f7183aaaa13220e7"
    assert b"hours" not in encode_profile(profile)
    assert not profile.hourly


def test_hours_are_those_of_utc_with_enough_rows() -> None:
    enough, few = MIN_HOUR_ROWS, MIN_HOUR_ROWS - 1
    profile = profile_at([0.0] * enough + [23.99 + 24 * 20_000] * enough + [-1.5] * few + [7.0] * few + [None] * 500)
    assert isinstance(profile.hours, tuple)
    assert [(one.hour, one.rows) for one in profile.hours] == [(0, enough), (23, enough)]
    assert profile.n_rows == 2 * enough + 2 * few + 500


def test_times_do_not_move_the_bins_and_an_hour_may_be_too_thin_everywhere() -> None:
    values: list[object] = np.random.default_rng(1).normal(size=240).tolist()
    timed, plain = profile_at([float(i % 24) for i in range(240)], values), profile_at([None] * 240, values)
    assert timed.features == plain.features
    assert timed.hours == plain.hours == ()
    assert not timed.hourly


def test_missing_infinite_and_rare_values_are_counted_by_hour_as_in_all() -> None:
    names = [f"common{i % 100}" for i in range(300)] + ["pooled", "once", "pooled", None]
    numbers = [1.0, float("inf"), None, "text", 10**400] + [float(i) for i in range(299)]
    times = [5 * HOUR] * 304
    profile = build_profile({"c": names, "x": numbers}, model="m", version=1, kinds={"x": "numeric"}, times=times)
    assert profile.hour_table.counts[5].tolist() == profile.count_array.tolist()
    assert profile.hour_table.sums[5] == pytest.approx(profile.sum_array)
    assert profile.features[0].counts[-3:] == (2, 1, 1)


def test_an_hour_has_sums_of_its_own_where_a_bin_is_wide() -> None:
    """A rare value far away that comes at noon: the last inner bins hold it and the usual ones together."""
    rng = np.random.default_rng(1)
    hours = rng.integers(0, 24, 100_000)
    rare = rng.random(100_000) < np.where(hours == 12, 0.3, 0.0) + 0.002
    values = rng.normal(size=100_000) + np.where(rare, 1000.0, 0.0)
    profile = profile_at(hours.astype(float).tolist(), values.tolist())
    (series,), table = profile.features, profile.hour_table
    means = np.divide(profile.sum_array, profile.count_array, where=profile.count_array > 0, out=np.zeros(profile.size))
    assert series.sigma is not None
    assert table.sums.sum(axis=1) / table.rows == pytest.approx([values[hours == hour].mean() for hour in range(24)])
    guessed = table.counts @ means
    assert np.abs(guessed - table.sums.sum(axis=1)).max() / table.rows.min() / series.sigma == pytest.approx(
        0.4, abs=0.2
    )


def test_each_row_needs_a_time_or_none() -> None:
    with pytest.raises(ValueError, match="1 times for 2 rows"):
        build_profile({"x": [1, 2]}, model="m", version=1, times=[0.0])


def test_it_survives_its_codec_and_plain_json() -> None:
    rng = np.random.default_rng(4)
    profile = profile_at(rng.uniform(0, 24, 3000).tolist(), rng.normal(size=3000).tolist())
    again = decode_profile(encode_profile(profile))
    assert again == profile
    assert again.hourly
    assert decode_profile(msgspec.json.encode(msgspec.json.decode(encode_profile(profile)))) == profile
    with pytest.raises(ValueError, match="does not match its content"):
        decode_profile(encode_profile(profile).replace(b'"hour":7', b'"hour":8'))


def test_fifty_features_fit_into_a_quarter_of_a_record() -> None:
    rng = np.random.default_rng(5)
    times = rng.uniform(0, 30 * DAY, 20_000)
    columns = {f"x{i}": rng.normal(size=20_000) for i in range(5)}
    size = len(encode_profile(build_profile(columns, model="m", version=1, times=times.tolist())))
    assert size * 10 < RECORD_LIMIT / 4
