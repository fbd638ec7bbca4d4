"""Events into histograms, whole batches at a time: the hot path of the stream worker.

Per batch, not per event: one pass takes all numbers out of the rows, one `searchsorted` per series
finds their bins, and one `bincount` counts every series of every group.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.histograms.columns import NumberReader, read_categories
from stream.histograms.histogram import Histogram
from stream.profiles.numeric import assign_bins, summable
from stream.profiles.prediction import flatten_prediction
from stream.profiles.profile import FeatureProfile, Profile
from stream.profiles.values import LONGEST_CATEGORY, NUMBER_LIMIT, to_category

Row = Mapping[str, Any]
Groups = NDArray[np.int64]


class Binner:
    """Counts events of one model version against its profile. Holds no state between calls."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        series = list(enumerate(profile.features))
        self._features = _RowBinner(profile, [i for i, one in series if one.role == "feature"])
        self._predictions = _RowBinner(profile, [i for i, one in series if one.role == "prediction"])

    def empty(self) -> Histogram:
        """A histogram of no events, of this profile's shape."""
        return Histogram.empty(self.profile.size, len(self.profile.features))

    def count(self, features: Sequence[Row], predictions: Sequence[object], out: Histogram) -> None:
        """Add a batch of events to `out`; row i of `features` and of `predictions` are one event."""
        if features:
            (counted,) = self.count_grouped(features, predictions, np.zeros(len(features), np.int64), 1)
            out.add(counted)

    def count_grouped(
        self, features: Sequence[Row], predictions: Sequence[object], groups: Groups, n_groups: int
    ) -> list[Histogram]:
        """Histogram per group of a batch of events.

        `features`: decoded JSON objects, `predictions`: decoded JSON of any shape, `groups`: the group
        0..n_groups - 1 of each event, int64; all of one length. A key that is absent, null or NaN is
        missing; a value of a wrong type is missing and is counted in `Histogram.invalid`.
        """
        shape = (n_groups, self.profile.size)
        counts, sums = np.zeros(shape, np.int64), np.zeros(shape, np.float64)
        invalid = np.zeros((n_groups, len(self.profile.features)), np.int64)
        target = (counts, sums, invalid)
        self._features.count(features, groups, target)
        self._predictions.count(self._prediction_rows(predictions), groups, target)
        rows = np.bincount(groups, minlength=n_groups).tolist()
        return [Histogram(counts[i], sums[i], invalid[i], rows[i]) for i in range(n_groups)]

    def _prediction_rows(self, predictions: Sequence[object]) -> Sequence[Row]:
        if not self._predictions.indices:
            return ()
        return [flatten_prediction(prediction) for prediction in predictions]


_Target = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]
"""Counts and sums, shape (groups, profile.size), and invalid values, shape (groups, series)."""


class _RowBinner:
    """Counts those series of a profile that come out of the same rows."""

    def __init__(self, profile: Profile, indices: list[int]) -> None:
        self.indices = indices
        self._size = profile.size
        chosen = [(i, profile.features[i], profile.offsets[i]) for i in indices]
        self._texts = [_TextSeries(*one) for one in chosen if one[1].text]
        self._numeric = [_NumericSeries(*one) for one in chosen if one[1].kind == "numeric" and not one[1].text]
        self._categorical = [_CategoricalSeries(*one) for one in chosen if one[1].kind == "categorical"]
        self._reader = NumberReader([series.name for series in self._numeric])

    def count(self, rows: Sequence[Row], groups: Groups, target: _Target) -> None:
        starts = groups * self._size if len(target[0]) > 1 else 0
        if self._numeric and rows:
            self._count_numbers(rows, groups, starts, target)
        for series in self._categorical if rows else ():
            bins, wrong = read_categories(rows, series.name, series.lookup, series.unseen, plain=series.plain)
            _add_counts(target[0], bins + (starts + series.offset))
            _add_invalid(target[2], groups, series.index, wrong)
        for text in self._texts if rows else ():
            self._count_texts(text, rows, groups, starts, target)

    def _count_texts(
        self, series: "_TextSeries", rows: Sequence[Row], groups: Groups, starts: Groups | int, target: _Target
    ) -> None:
        numbers, wrong = series.measure.numbers([row.get(series.measure.of) for row in rows])
        flat = assign_bins(series.edges, numbers) + (starts + series.offset)
        _add_counts(target[0], flat)
        added = np.bincount(flat, weights=summable(series.edges, numbers), minlength=target[1].size)
        target[1][...] += added.reshape(target[1].shape)
        _add_invalid(target[2], groups, series.index, wrong)

    def _count_numbers(self, rows: Sequence[Row], groups: Groups, starts: Groups | int, target: _Target) -> None:
        columns, invalid = self._reader.read(rows)
        plain = bool(np.abs(columns).max() < NUMBER_LIMIT)
        bins = np.empty(columns.shape, np.int64)
        values = columns if plain else columns.copy()
        for number, series in enumerate(self._numeric):
            if plain:
                bins[number] = series.edges.searchsorted(columns[number], side="right")
            else:
                bins[number] = assign_bins(series.edges, columns[number])
                values[number] = summable(series.edges, columns[number])
            bins[number] += series.offset
        bins += starts
        flat = bins.ravel()
        _add_counts(target[0], flat)
        added = np.bincount(flat, weights=values.ravel(), minlength=target[1].size)
        target[1][...] += added.reshape(target[1].shape)
        for number, wrong in invalid.items():
            _add_invalid(target[2], groups, self._numeric[number].index, wrong)


class _NumericSeries:
    def __init__(self, index: int, series: FeatureProfile, offset: int) -> None:
        self.index, self.name, self.offset = index, series.name, offset
        self.edges = np.array(series.edges, dtype=np.float64)


class _TextSeries(_NumericSeries):
    def __init__(self, index: int, series: FeatureProfile, offset: int) -> None:
        super().__init__(index, series, offset)
        assert series.text  # noqa: S101 - only such are made
        self.measure = series.text


class _CategoricalSeries:
    def __init__(self, index: int, series: FeatureProfile, offset: int) -> None:
        self.index, self.name, self.offset = index, series.name, offset
        self.unseen = series.n_bins - 2
        self.lookup: dict[str | None, int] = {None: series.missing_bin}
        # Profiles of before long texts were shortened have them in full.
        self.lookup.update((to_category(name), len(series.categories)) for name in series.pooled)
        self.lookup.update((to_category(name), number) for number, name in enumerate(series.categories))
        self.plain = all(len(name) < LONGEST_CATEGORY for name in self.lookup if name is not None)


def _add_counts(counts: NDArray[np.int64], flat_bins: NDArray[np.int64]) -> None:
    counts[...] += np.bincount(flat_bins, minlength=counts.size).reshape(counts.shape)


def _add_invalid(invalid: NDArray[np.int64], groups: Groups, index: int, rows: Sequence[int]) -> None:
    if rows:
        np.add.at(invalid[:, index], groups[list(rows)], 1)
