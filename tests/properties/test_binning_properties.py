"""Counting is the same as a slow recount, value by value, for any JSON; and histograms add up."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.histograms.binning import Binner
from stream.histograms.histogram import Histogram
from stream.profiles.build import build_profile
from stream.profiles.prediction import flatten_prediction
from stream.profiles.profile import FeatureProfile, Profile
from stream.profiles.values import NUMBER_LIMIT, is_missing, to_category, to_number

NAMES = ("height", "width", "fixed", "colour", "flag")


def make_profile() -> Profile:
    generator = np.random.default_rng(3)
    rows = 400
    return build_profile(
        {
            "height": generator.normal(size=rows),
            "width": generator.integers(0, 9, size=rows),
            "fixed": [0.5] * rows,
            "colour": [f"c{i * i % 130}" for i in range(rows)],
            "flag": [True, False, None, True] * (rows // 4),
        },
        {"prediction.score": generator.random(rows), "prediction.class": ["up", "down"] * (rows // 2)},
        model="m",
        version=1,
        source="first_events",
    )


PROFILE = make_profile()
BINNER = Binner(PROFILE)
SCALAR_PROFILE = build_profile({"width": [1, 2, 3]}, {"prediction": [0.1, 0.2, 0.9]}, model="m", version=1)

plain = st.floats(-5, 15) | st.integers(-3, 12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | plain
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.sampled_from(["c1", "c4", "up", "3", "nan", "true", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)
any_rows = st.lists(st.dictionaries(st.sampled_from(NAMES), json_values), max_size=12)
plain_rows = st.lists(
    st.fixed_dictionaries(
        dict.fromkeys(NAMES[:3], plain) | {"colour": st.sampled_from(["c1", "x"]), "flag": st.booleans()}
    ),
    max_size=12,
)
null_rows = st.lists(st.fixed_dictionaries({name: st.none() | plain for name in NAMES}), max_size=12)
any_prediction = json_values | st.fixed_dictionaries({"score": json_values, "class": json_values})
batches = st.tuples(any_rows | plain_rows | null_rows, st.lists(any_prediction, min_size=12, max_size=12), st.randoms())


def slow_bin(series: FeatureProfile, value: object) -> tuple[int, float, bool]:
    """Fine bin, value to add up, and whether the type was wrong: the definition, in plain Python."""
    if series.kind == "categorical":
        key = to_category(value)
        if key is None:
            return series.n_bins - 1, 0.0, not is_missing(value)
        if key in series.categories:
            return series.categories.index(key), 0.0, False
        return (len(series.categories) if key in series.pooled else series.n_bins - 2), 0.0, False
    number = to_number(value)
    if number is None or math.isnan(number):
        return series.n_bins - 1, 0.0, number is None
    place = sum(1 for edge in series.edges if edge <= number)
    if abs(number) >= NUMBER_LIMIT:
        return place, series.edges[-1] if number > 0 else series.edges[0], False
    return place, number, False


def slow_count(profile: Profile, rows: Sequence[Any], predictions: Sequence[object]) -> Histogram:
    histogram = Histogram.empty(profile.size, len(profile.features))
    for row, prediction in zip(rows, predictions, strict=True):
        answer = flatten_prediction(prediction)
        for number, (series, offset) in enumerate(zip(profile.features, profile.offsets, strict=True)):
            source = row if series.role == "feature" else answer
            place, value, wrong = slow_bin(series, source.get(series.name))
            histogram.counts[offset + place] += 1
            histogram.sums[offset + place] += value
            histogram.invalid[number] += wrong
    histogram.rows = len(rows)
    return histogram


def same(found: Histogram, expected: Histogram) -> None:
    assert found.rows == expected.rows
    assert found.counts.tolist() == expected.counts.tolist()
    assert found.invalid.tolist() == expected.invalid.tolist()
    assert found.sums.tolist() == pytest.approx(expected.sums.tolist(), rel=1e-12, abs=1e-12)


@given(batches)
def test_grouped_counts_equal_a_recount(batch: tuple[list[Any], list[object], Any]) -> None:
    rows, predictions, random = batch
    predictions = predictions[: len(rows)]
    groups = np.array([random.randrange(3) for _ in rows], dtype=np.int64)
    found = BINNER.count_grouped(rows, predictions, groups, 3)
    assert len(found) == 3
    for group in range(3):
        chosen = [i for i in range(len(rows)) if groups[i] == group]
        expected = slow_count(PROFILE, [rows[i] for i in chosen], [predictions[i] for i in chosen])
        same(found[group], expected)


@given(batches)
def test_counts_of_a_whole_are_the_sum_of_its_parts(batch: tuple[list[Any], list[object], Any]) -> None:
    rows, predictions, random = batch
    predictions, cut = predictions[: len(rows)], random.randrange(len(rows) + 1)
    whole, first, second = BINNER.empty(), BINNER.empty(), BINNER.empty()
    BINNER.count(rows, predictions, whole)
    BINNER.count(rows[:cut], predictions[:cut], first)
    BINNER.count(rows[cut:], predictions[cut:], second)
    same(first + second, whole)
    same(second + first, whole)
    BINNER.count(rows[cut:], predictions[cut:], first)
    same(first, whole)


@given(st.lists(json_values, min_size=1, max_size=9))
def test_predictions_that_are_bare_values(predictions: list[object]) -> None:
    rows = [{"width": 2}] * len(predictions)
    binner = Binner(SCALAR_PROFILE)
    found = binner.empty()
    binner.count(rows, predictions, found)
    same(found, slow_count(SCALAR_PROFILE, rows, predictions))


small = st.builds(
    lambda counts: Histogram(
        np.array(counts, dtype=np.int64), np.array(counts, dtype=float), np.array([1]), sum(counts)
    ),
    st.lists(st.integers(0, 2**30), min_size=4, max_size=4),
)


@given(small, small, small)
def test_histograms_are_a_commutative_monoid(a: Histogram, b: Histogram, c: Histogram) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Histogram.empty(4, 1) == a
    before = a.copy()
    before.add(b)
    assert before == a + b
