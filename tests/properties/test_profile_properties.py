"""Any reference makes a profile whose bins hold every row once and that survives its codec."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.profiles.build import build_profile
from stream.profiles.codec import content_id, decode_profile, encode_profile
from tests.support.windows import numeric_reference

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
numbers = st.none() | st.integers() | st.floats()
columns = st.lists(scalars, min_size=1, max_size=200) | st.lists(numbers, min_size=1, max_size=300)


@given(columns, columns, st.sampled_from(["numeric", "categorical", None]))
def test_codec_round_trip(column: list[object], answers: list[object], kind: str | None) -> None:
    rows = min(len(column), len(answers))
    kinds = {"x": "numeric" if kind == "numeric" else "categorical"} if kind else None
    profile = build_profile(
        {"x": column[:rows]},
        {"prediction": answers[:rows]},
        model="m",
        version=1,
        kinds=kinds,  # type: ignore[arg-type]
    )
    decoded = decode_profile(encode_profile(profile))
    assert decoded == profile
    assert content_id(decoded) == profile.id


@given(columns)
def test_every_row_is_in_one_bin_and_every_bin_in_one_bucket(column: list[object]) -> None:
    profile = build_profile({"x": column}, model="m", version=1)
    (feature,) = profile.features
    assert sum(feature.counts) == feature.n == len(column)
    assert len(feature.counts) == len(feature.sums) == len(feature.bucket_of) == profile.size
    assert set(feature.bucket_of) == set(range(len(feature.buckets)))
    assert feature.bucket_counts.sum() == len(column)
    assert len(set(feature.buckets)) == len(feature.buckets) or feature.kind == "categorical"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=300))
def test_reference_values_are_never_out_of_range_and_sums_are_theirs(values: list[float]) -> None:
    feature = numeric_reference(np.array(values))
    assert (feature.counts[0], feature.counts[-2], feature.counts[-1]) == (0, 0, 0)
    assert list(feature.edges) == sorted(set(feature.edges))
    assert math.isclose(sum(feature.sums), math.fsum(values), rel_tol=1e-9, abs_tol=1e-6 * max(map(abs, values)))
    for count, total, low, high in zip(
        feature.counts[1:-2], feature.sums[1:-2], feature.edges, feature.edges[1:], strict=False
    ):
        mean = total / count if count else low
        slack = 1e-9 * max(abs(low), abs(high))
        assert low - slack <= mean <= high + slack


@given(st.lists(st.integers(0, 99), min_size=1, max_size=300))
def test_at_most_a_hundred_values_have_bins_of_their_own(values: list[int]) -> None:
    feature = numeric_reference(np.array(values, dtype=float))
    held = sorted(count for count in feature.counts if count)
    assert held == sorted(values.count(value) for value in set(values))
