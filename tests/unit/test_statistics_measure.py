"""What a user reads off one series in one window."""

from collections.abc import Sequence

import numpy as np
import pytest

from stream.histograms.binning import Binner
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile
from stream.statistics.measure import SeriesStatistics, measure
from tests.support.windows import numeric_reference, window_of

ALPHA = 4.75e-8


def rows_of(name: str, values: Sequence[object]) -> list[dict[str, object]]:
    return [{name: value} for value in values]


def measured(profile: Profile, rows: list[dict[str, object]]) -> SeriesStatistics:
    binner = Binner(profile)
    histogram = binner.empty()
    binner.count(rows, [None] * len(rows), histogram)
    return measure(profile.features[0], histogram.counts, histogram.sums)


def test_equal_samples_show_nothing() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    reference = numeric_reference(values)
    found = measure(reference, *window_of(reference, values))
    assert (found.psi, found.kl, found.js, found.hellinger, found.location.ks) == (0, 0, 0, 0, 0)
    assert found.location.w1 == pytest.approx(0, abs=1e-12)
    assert (found.g_p, found.chi2_p, found.location.ks_p) == (1.0, 1.0, 1.0)
    assert found.moved == []


def test_a_constant_feature_that_stays_constant_has_psi_zero() -> None:
    reference = numeric_reference(np.full(5000, 0.003467))
    found = measure(reference, *window_of(reference, np.full(100, 0.003467)))
    assert (found.psi, found.df, found.g_p, found.out_of_range.rate) == (0.0, 0, 1.0, 0.0)
    assert found.location.w1 == pytest.approx(0.0, abs=1e-15)
    assert found.location.w1_sigma is None


def test_the_buckets_that_moved_say_from_what_to_what() -> None:
    reference = numeric_reference(np.full(5000, 0.003467))
    found = measure(reference, *window_of(reference, np.full(100, 0.0042)))
    labels = {bucket.label: (bucket.reference, bucket.window) for bucket in found.moved}
    assert labels == {
        "= 0.003467": (1.0, 0.0),
        "above 0.003467 (max of the reference)": (0.0, 1.0),
    }
    assert sum(bucket.psi for bucket in found.moved) == pytest.approx(found.psi)
    assert found.moved[0].psi >= found.moved[1].psi


def test_only_the_three_buckets_that_moved_most_are_shown() -> None:
    generator = np.random.default_rng(2)
    reference = numeric_reference(generator.normal(size=5000))
    found = measure(reference, *window_of(reference, generator.normal(size=500) + 1))
    terms = [bucket.psi for bucket in found.moved]
    assert len(terms) == 3
    assert terms == sorted(terms, reverse=True)
    assert sum(terms) < found.psi


def test_missing_unseen_and_out_of_range_rates() -> None:
    colours = build_profile({"colour": ["red"] * 60 + ["blue"] * 30 + [None] * 10}, model="m", version=1)
    rows = rows_of("colour", ["red"] * 50 + [None] * 30 + ["mauve"] * 20)
    found = measured(colours, rows)
    assert (found.n, found.missing.rate) == (100, 0.3)
    assert found.missing.delta == pytest.approx(0.2)
    assert (found.unseen.rate, found.out_of_range.rate) == (0.2, 0.0)
    assert found.location.ks is None
    assert {"unseen category", "= blue"} <= {bucket.label for bucket in found.moved}

    heights = build_profile({"height": [1.0, 2.0, 3.0] * 50}, model="m", version=1)
    tall = rows_of("height", [9.0] * 5 + [0.5] * 5 + [2] * 10)
    assert measured(heights, tall).out_of_range.rate == 0.5


def test_a_series_that_is_all_missing_has_no_location() -> None:
    reference = numeric_reference(np.arange(100.0))
    found = measure(reference, *window_of(reference, np.full(50, np.nan)))
    assert (found.location.w1, found.location.mean, found.missing.rate) == (None, None, 1.0)
    empty = numeric_reference(np.full(100, np.nan))
    found = measure(empty, *window_of(empty, np.arange(50.0)))
    assert (found.location.w1, found.location.mean, found.out_of_range.rate) == (None, 24.5, 1.0)


def test_correlated_rows_are_worth_fewer() -> None:
    generator = np.random.default_rng(4)
    reference = numeric_reference(generator.normal(size=5000))
    counts, sums = window_of(reference, generator.normal(size=1000) + 0.3)
    plain = measure(reference, counts, sums)
    correlated = measure(reference, counts, sums, serial_factor=5.0)
    assert (plain.psi, correlated.n_eff) == (correlated.psi, 200.0)
    assert plain.g_p < correlated.g_p
    assert plain.psi_noise < correlated.psi_noise
    assert (plain.location.ks_p or 0) < (correlated.location.ks_p or 0)


def test_an_empty_window_is_an_error() -> None:
    reference = numeric_reference(np.arange(100.0))
    with pytest.raises(ValueError, match="skip empty windows"):
        measure(reference, *window_of(reference, np.empty(0)))
