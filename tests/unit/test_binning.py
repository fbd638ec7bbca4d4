"""Counting batches of events, and what is refused when histograms do not fit."""

import numpy as np
import pytest

from stream.histograms.binning import Binner
from stream.histograms.histogram import Histogram
from stream.profiles.build import build_profile

PROFILE = build_profile({"x": [1.0, 2.0, 3.0], "colour": ["red", "blue", "red"]}, model="m", version=1)


def test_one_batch_of_each_way() -> None:
    binner = Binner(PROFILE)
    cases: list[tuple[list[dict[str, object]], list[int], int]] = [
        ([{"x": 1, "colour": "red"}, {"x": 2.0, "colour": "red"}], [0, 1, 0, 1, 0, 0, 0, 0], 0),
        ([{"x": None, "colour": "red"}, {"x": 9, "colour": None}], [0, 0, 0, 0, 0, 0, 1, 1], 0),
        ([{"colour": "red"}, {"x": -1}], [1, 0, 0, 0, 0, 0, 0, 1], 0),
        ([{"x": "2", "colour": "red"}, {"x": 1.5, "colour": 3}], [0, 0, 1, 0, 0, 0, 0, 1], 1),
    ]
    for rows, x_counts, invalid in cases:
        found = binner.empty()
        binner.count(rows, [None, None], found)
        assert found.counts[:8].tolist() == x_counts
        assert found.invalid.tolist() == [invalid, 0]
        assert found.rows == 2


def test_series_that_the_profile_does_not_know_are_left_out() -> None:
    found = Binner(PROFILE).empty()
    Binner(PROFILE).count([{"x": 1, "colour": "red", "new": 5}], [{"score": 1}], found)
    assert found.counts.sum() == 2


def test_no_events_leave_a_histogram_as_it_was() -> None:
    found = Binner(PROFILE).empty()
    Binner(PROFILE).count([], [], found)
    assert found == Binner(PROFILE).empty()
    assert Binner(PROFILE).count_grouped([], [], np.zeros(0, dtype=np.int64), 2) == [found, found]


def test_histograms_of_other_profiles_are_refused() -> None:
    with pytest.raises(ValueError, match="of one profile only"):
        Histogram.empty(3, 1).add(Histogram.empty(4, 1))
