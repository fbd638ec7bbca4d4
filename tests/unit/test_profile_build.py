"""Profiles as they are made from reference data of every kind, and as people read them."""

import msgspec
import numpy as np
import pytest

from stream.histograms.binning import Binner
from stream.profiles.build import MOST_BINS, build_profile, columns_of, infer_kind, prediction_columns
from stream.profiles.codec import decode_profile, encode_profile
from stream.profiles.profile import FeatureProfile
from stream.profiles.values import LONGEST_CATEGORY, to_category, to_number


def one(column: list[object] | np.ndarray) -> FeatureProfile:
    return build_profile({"x": column}, model="m", version=1).features[0]


def test_deciles_out_of_range_and_missing_are_buckets_with_readable_labels() -> None:
    feature = one(np.append(np.arange(1, 1001) / 100, np.nan))
    assert feature.buckets[0] == "below 0.01 (min of the reference)"
    assert feature.buckets[5] == "4 \u2013 5"
    assert feature.buckets[-2:] == ("above 10 (max of the reference)", "missing")
    assert len(feature.buckets) == 13
    assert feature.bucket_counts[1:-2] == pytest.approx(100, abs=5)
    assert feature.bucket_counts[[0, -2, -1]].tolist() == [0, 0, 1]


def test_a_common_value_has_a_bin_and_a_bucket_of_its_own() -> None:
    generator = np.random.default_rng(1)
    feature = one(np.where(generator.random(5000) < 0.5, 7.0, generator.normal(7, 1, size=5000)))
    place = feature.edges.index(7.0) + 1
    assert feature.edges[place] == np.nextafter(7.0, np.inf)
    assert feature.counts[place] > 2400
    assert "= 7" in feature.buckets


def test_a_constant_feature_is_one_bin() -> None:
    feature = one([0.003467] * 400)
    assert feature.counts == (0, 400, 0, 0)
    assert feature.buckets[1] == "= 0.003467"
    assert (feature.mean, feature.sigma) == (0.003467, 0.0)


def test_few_distinct_values_are_each_a_bin() -> None:
    feature = one([1, 2, 3, None] * 60)
    assert [count for count in feature.counts if count] == [60, 60, 60, 60]
    assert [label for label in feature.buckets if label.startswith("=")] == ["= 1", "= 2", "= 3"]


def test_infinities_are_out_of_range_and_nothing_else_is_infinite() -> None:
    feature = one([1.0, 2.0, 3.0, float("inf"), -float("inf"), 1e300, 10**400, None])
    assert (feature.counts[0], feature.counts[-2], feature.counts[-1]) == (1, 3, 1)
    assert feature.mean == 2.0
    assert np.isfinite([*feature.edges, *feature.sums]).all()


def test_a_numeric_feature_without_values_has_one_bin_for_any() -> None:
    profile = build_profile({"x": [None, None]}, model="m", version=1, kinds={"x": "numeric"})
    assert profile.features[0].buckets == ("any value (the reference had none)", "missing")
    assert profile.features[0].counts == (0, 2)


def test_categories_by_frequency_then_unseen_and_missing() -> None:
    feature = one(["b", "a", "a", None, "c", "b", "a"])
    assert feature.categories == ("a", "b", "c")
    assert feature.counts == (3, 2, 1, 0, 1)
    assert feature.buckets == ("= a", "= b", "= c", "unseen category", "missing")


def test_rare_categories_are_pooled_past_a_limit() -> None:
    common = [f"common{i:03}" for i in range(100)]
    rare = [f"rare{i}" for i in range(50)]
    feature = one([*common * 10, *rare * 2])
    assert feature.categories == tuple(common)
    assert set(feature.pooled) == set(rare)
    assert feature.counts[-3:] == (100, 0, 0)
    assert len(feature.buckets) == 12
    assert feature.buckets[-3].endswith("categories)")


def test_an_identifier_expects_new_values() -> None:
    feature = one([f"id{i}" for i in range(1000)])
    assert feature.unseen_bin is not None
    assert feature.counts[feature.unseen_bin] == 900
    assert sum(feature.counts) == 1000


@pytest.mark.parametrize(
    ("values", "role", "kind"),
    [
        ([1, 2.5, None], "feature", "numeric"),
        ([1, 2, 3], "feature", "numeric"),
        ([True, False], "feature", "categorical"),
        (["1", 2], "feature", "categorical"),
        ([None, float("nan")], "feature", "categorical"),
        ([0, 1, 1], "prediction", "categorical"),
        (list(range(100)), "prediction", "numeric"),
        ([0.2, 0.7], "prediction", "numeric"),
    ],
)
def test_kinds(values: list[object], role: str, kind: str) -> None:
    assert role in {"feature", "prediction"}
    assert infer_kind(values, "feature" if role == "feature" else "prediction") == kind


def test_predictions_are_series_by_name() -> None:
    answers: list[object] = [{"class": "up", "score": 0.7}, {"class": "down", "score": 0.2}, None]
    profile = build_profile({"prediction": [1.5, 2.5, 3.5]}, prediction_columns(answers), model="m", version=1)
    found = [(series.key, series.role, series.kind) for series in profile.features]
    assert found == [
        ("feature:prediction", "feature", "numeric"),
        ("prediction.class", "prediction", "categorical"),
        ("prediction.score", "prediction", "numeric"),
    ]
    assert prediction_columns([3, 4]) == {"prediction": [3, 4]}
    assert prediction_columns([[3, 4], [5]]) == {"prediction.0": [3, 5], "prediction.1": [4, None]}
    assert columns_of([{"a": 1}, {"b": 2}, None]) == {"a": [1, None, None], "b": [None, 2, None]}


def test_the_id_is_of_the_content() -> None:
    first, again = (build_profile({"x": [1.0, 2.0]}, model="m", version=3) for _ in range(2))
    other = build_profile({"x": [1.0, 2.5]}, model="m", version=3)
    assert first == again
    assert first.id == again.id != other.id
    assert len(first.id) == 32


def test_unusable_references_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="at least one column and one row"):
        build_profile({}, model="m", version=1)
    with pytest.raises(ValueError, match="at least one column and one row"):
        build_profile({"x": []}, model="m", version=1)
    with pytest.raises(ValueError, match="give each the same rows"):
        build_profile({"x": [1], "y": [1, 2]}, model="m", version=1)


def test_profiles_that_cannot_be_trusted_are_refused() -> None:
    raw = encode_profile(build_profile({"x": [1.0, 2.0]}, model="m", version=1))
    with pytest.raises(ValueError, match="does not match its content"):
        decode_profile(raw.replace(b'"n_rows":2', b'"n_rows":3'))
    with pytest.raises(ValueError, match="schema version 9"):
        decode_profile(raw.replace(b'"schema_version":1', b'"schema_version":9'))
    for garbage in (b"", b"[]", b"\xff", b"{}", b'{"schema_version":1}'):
        with pytest.raises(ValueError, match="deploy the model again"):
            decode_profile(garbage)


def test_a_profile_survives_a_detour_through_plain_json() -> None:
    profile = build_profile({"x": np.random.default_rng(1).normal(size=500)}, model="m", version="v2")
    assert decode_profile(msgspec.json.encode(msgspec.to_builtins(profile))) == profile


@pytest.mark.parametrize(
    ("value", "number", "category"),
    [
        (True, 1.0, "true"),
        (3, 3.0, "3"),
        (3.0, 3.0, "3"),
        (0.5, 0.5, "0.5"),
        ("3", None, "3"),
        ("", None, ""),
        ([1], None, None),
        ({}, None, None),
        (10**100, 1e100, str(10**100)),
        (-(10**400), -np.inf, to_category(str(-(10**400)))),
        (np.int64(4), 4.0, "4"),
        (np.float32(0.5), 0.5, "0.5"),
        (np.bool_(False), 0.0, "false"),
    ],
)
def test_what_a_value_means(value: object, number: float | None, category: str | None) -> None:
    assert to_number(value) == number
    assert to_category(value) == category


def test_absurd_integers_are_categories_too() -> None:
    assert str(to_category(10**6000)).startswith("0x")


def test_a_long_text_is_its_beginning_and_its_hash() -> None:
    long = "x" * 1400
    short = to_category(long)
    assert short is not None
    assert short.startswith("xxx")
    assert len(short) == LONGEST_CATEGORY
    assert to_category(short) == short, "read back from a profile it is the same"
    assert to_category(long + "y") != short
    assert to_category("y" * LONGEST_CATEGORY) == "y" * LONGEST_CATEGORY
    assert len(to_category("\ud800" * 300) or "") == LONGEST_CATEGORY


def test_long_texts_are_counted_as_the_categories_that_they_are() -> None:
    texts = [f"{'the same beginning of all ' * 40}{number}" for number in range(150)]
    profile = build_profile({"t": texts * 3}, model="m", version=1)
    binner = Binner(profile)
    out = binner.empty()
    binner.count([{"t": texts[7]}, {"t": texts[7]}, {"t": texts[7] + "!"}, {"t": None}], [None] * 4, out)
    series = profile.features[0]
    place = series.categories.index(to_category(texts[7]) or "") if to_category(texts[7]) in series.categories else 100
    assert out.counts[place] == 2
    assert out.counts[-2:].tolist() == [1, 1], "unseen, missing"
    assert len(encode_profile(profile)) < 100_000


def test_a_profile_of_before_long_texts_were_shortened_still_counts() -> None:
    old = build_profile({"t": ["a", "a", "b"]}, model="m", version=1)
    long = "x" * 1400
    series = msgspec.structs.replace(old.features[0], categories=("a", long))
    binner = Binner(msgspec.structs.replace(old, features=(series,)))
    out = binner.empty()
    binner.count([{"t": long}], [None], out)
    assert out.counts.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("columns", [1700, 3000])
def test_the_bins_of_a_wide_profile_are_bounded(columns: int) -> None:
    rng = np.random.default_rng(1)
    wide: dict[str, np.ndarray] = {f"f{number}": rng.normal(size=130) for number in range(columns)}
    wide |= {f"d{number}": rng.integers(0, 120, size=130) for number in range(100)}
    profile = build_profile(wide, model="m", version=1)
    assert profile.size <= MOST_BINS
    assert profile.size > 0.5 * MOST_BINS, "as fine as there is room for"
    assert {len(one.buckets) for one in profile.features} <= set(range(12, 14))


def test_more_columns_than_there_is_room_for_are_refused_with_the_limit() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match=r"9000 columns make \d+ bins, and a profile has at most 200000: watch fewer"):
        build_profile({f"f{number}": rng.normal(size=30) for number in range(9000)}, model="m", version=1)
