"""The contract of a profile: what a model version's inputs and outputs looked like in its reference.

A profile is immutable. Its `id` is the hash of its content, so it can be cached for ever, and a new
reference for the same version is a new profile.
"""

from functools import cached_property
from typing import Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.profiles.hour_histogram import HourHistogram, HourTable
from stream.profiles.series_reference import SeriesReference
from stream.profiles.text import TextMeasure

Kind = Literal["numeric", "categorical"]
Role = Literal["feature", "prediction"]
Source = Literal["reference", "first_events"]

SCHEMA_VERSION = 1

_Array = TypeVar("_Array", bound="NDArray[np.generic]")


class FeatureProfile(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The reference histogram of one series (a feature, or a part of the prediction).

    Fine bins, in this order:

    - numeric: below-min, one per half-open interval `[edges[i], edges[i + 1])`, above-max, missing.
      A value that is common in the reference is the interval `[v, nextafter(v))`, a bin of its own.
    - categorical: one per `categories`, one for all of `pooled` when there are any, unseen, missing.

    `bucket_of[i]` is the bucket of fine bin `i`, `buckets` are the buckets' labels for people. All
    tuples over fine bins have length `n_bins`; `sums` holds zeros where the kind is categorical.
    """

    name: str
    role: Role
    kind: Kind
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    pooled: tuple[str, ...] = ()
    counts: tuple[int, ...]
    sums: tuple[float, ...]
    bucket_of: tuple[int, ...]
    buckets: tuple[str, ...]
    mean: float | None = None
    """Mean of the finite reference values; None without any, and for categories."""
    sigma: float | None = None
    """Their standard deviation (divisor m, not m - 1); None like `mean`."""
    text: TextMeasure | msgspec.UnsetType = msgspec.UNSET
    """Where the series is a measure of a feature's text, which is no column of the events itself."""

    @property
    def key(self) -> str:
        """The series' name, unique in its profile even where a feature is called `prediction`."""
        clash = self.name == "prediction" or self.name.startswith("prediction.")
        return f"feature:{self.name}" if clash and self.role == "feature" else self.name

    @property
    def n_bins(self) -> int:
        """How many fine bins the series has, missing and out-of-range ones included."""
        return len(self.counts)

    @property
    def missing_bin(self) -> int:
        """Index of the fine bin that counts missing values: always the last."""
        return self.n_bins - 1

    @property
    def unseen_bin(self) -> int | None:
        """Index of the fine bin of categories that the reference did not have; None when numeric."""
        return self.n_bins - 2 if self.kind == "categorical" else None

    @property
    def out_of_range_bins(self) -> tuple[int, ...]:
        """Indices of below-min and above-max; one bin is both when the reference had no value."""
        return tuple(sorted({0, self.n_bins - 2})) if self.kind == "numeric" else ()

    @cached_property
    def n(self) -> int:
        """Rows of the reference, those with a missing value included."""
        return sum(self.counts)

    @cached_property
    def count_array(self) -> NDArray[np.float64]:
        """Reference counts per fine bin, shape (n_bins,), as floats ready for statistics."""
        return _frozen(np.array(self.counts, dtype=np.float64))

    @cached_property
    def sum_array(self) -> NDArray[np.float64]:
        """Sums of the reference values per fine bin, shape (n_bins,)."""
        return _frozen(np.array(self.sums, dtype=np.float64))

    @cached_property
    def bucket_array(self) -> NDArray[np.int64]:
        """Bucket index per fine bin, shape (n_bins,)."""
        return _frozen(np.array(self.bucket_of, dtype=np.int64))

    @cached_property
    def bucket_counts(self) -> NDArray[np.float64]:
        """Reference counts per bucket, shape (len(buckets),)."""
        return _frozen(self.to_buckets(self.count_array))

    @cached_property
    def reference(self) -> SeriesReference:
        """All of the reference, as statistics take it."""
        return SeriesReference(
            n=self.n,
            counts=self.count_array,
            sums=self.sum_array,
            bucket_counts=self.bucket_counts,
            mean=self.mean,
            sigma=self.sigma,
        )

    def to_buckets(self, counts: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        """Group counts per fine bin, shape (n_bins,), into counts per bucket, shape (len(buckets),)."""
        weights = np.asarray(counts, dtype=np.float64)
        grouped = np.bincount(self.bucket_array, weights=weights, minlength=len(self.buckets))
        return grouped.astype(np.float64, copy=False)


class Profile(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything a stream worker needs to count and to judge one model version.

    The histograms of all its series lie one after the other in a flat array of `size` bins:
    series `i` owns `offsets[i] : offsets[i] + features[i].n_bins`.
    """

    id: str
    model: str
    version: int | str
    source: Source
    """`reference`: from data given with the model; `first_events`: from its first events in service."""
    n_rows: int
    features: tuple[FeatureProfile, ...]
    """Features in the order given, then the parts of the prediction."""
    schema_version: int = SCHEMA_VERSION
    hours: tuple[HourHistogram, ...] | msgspec.UnsetType = msgspec.UNSET
    """The hours of day that have enough rows, ascending. Unset, and then not encoded, without timestamps:
    such a profile is, to the byte, what it was before there were hours."""

    @property
    def hourly(self) -> bool:
        """Whether any hour of day has a reference of its own."""
        return bool(self.hours)

    @cached_property
    def hour_table(self) -> HourTable:
        """The hours as arrays; all zeros without any."""
        return HourTable.unpack(self.hours or (), self.size)

    @cached_property
    def count_array(self) -> NDArray[np.float64]:
        """Reference counts of all series, flat, shape (size,)."""
        return _frozen(np.concatenate([feature.count_array for feature in self.features]))

    @cached_property
    def sum_array(self) -> NDArray[np.float64]:
        """Sums of the reference values of all series, flat, shape (size,)."""
        return _frozen(np.concatenate([feature.sum_array for feature in self.features]))

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First flat bin of each series, in the order of `features`."""
        starts = np.cumsum([0, *(feature.n_bins for feature in self.features)])
        return tuple(int(start) for start in starts[:-1])

    @cached_property
    def size(self) -> int:
        """Length of the flat arrays of a histogram."""
        return sum(feature.n_bins for feature in self.features)

    def slices(self) -> tuple[tuple[FeatureProfile, slice], ...]:
        """Each series with its place in the flat arrays."""
        return tuple(
            (feature, slice(start, start + feature.n_bins))
            for feature, start in zip(self.features, self.offsets, strict=True)
        )


def _frozen(array: _Array) -> _Array:
    array.setflags(write=False)
    return array
