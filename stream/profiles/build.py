"""A profile from columns of reference data, or from the first events of a deployment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec.structs import replace

from stream.profiles.categorical import build_categorical
from stream.profiles.codec import make_profile
from stream.profiles.hours import Values, hour_histograms
from stream.profiles.numeric import QUANTILES, build_numeric
from stream.profiles.prediction import flatten_prediction
from stream.profiles.profile import FeatureProfile, Kind, Profile, Role, Source
from stream.profiles.text import MEASURES, TextMeasure, is_free_text, measured
from stream.profiles.values import is_missing, to_category, to_number

Column = Sequence[object] | np.ndarray
MOST_BINS = 200_000
"""Fine bins of all series together. A pane with all of them in use has 40 bytes each at most, 8 MB of the 12.6 MB that
a record may have. Up to 1,700 columns are as fine as one alone; 3,000 have 53 quantiles each in place of 100. The ten
buckets that PSI looks at are the same."""
BINS_BESIDE = 13
"""Of a numeric series beside its quantiles: tails, below, above, missing."""
LEAST_FINENESS = 20
"""Below two quantiles a decile the buckets would be no deciles any more."""
INTEGER_CLASSES = 20
"""A prediction with at most this many distinct whole numbers is a class, not a quantity."""


def build_profile(
    columns: Mapping[str, Column],
    predictions: Mapping[str, Column] | None = None,
    *,
    model: str,
    version: int | str,
    source: Source = "reference",
    kinds: Mapping[str, Kind] | None = None,
    times: Sequence[float | None] | None = None,
) -> Profile:
    """Profile a model version from its reference.

    `columns`: the features by name; `predictions`: the model's answers for the same rows, by the names
    that `flatten_prediction` gives. Values may be numbers, booleans, text, None and NaN. `kinds`
    overrides what `infer_kind` finds, by series name. `times`: when each row was, in seconds since the
    epoch (None where that is not known); the profile then has hours of day too. All have the same length.

    Raises:
        ValueError: without columns, with columns of different lengths, without rows, or with more columns than
            MOST_BINS has room for.
    """
    predictions = predictions or {}
    n_rows = _common_length({**columns, **predictions})
    if times is not None and len(times) != n_rows:
        raise ValueError(f"{len(times)} times for {n_rows} rows: give each row one, or None")
    built = _all_series(columns, predictions, kinds or {})
    series, values = [one for one, _ in built], [converted for _, converted in built]
    hours = msgspec.UNSET if times is None else hour_histograms(series, values, times)
    return make_profile(model=model, version=version, source=source, n_rows=n_rows, features=tuple(series), hours=hours)


def columns_of(rows: Iterable[Mapping[str, object] | None]) -> dict[str, list[object]]:
    """Turn rows into columns: each name seen in any row, None where a row lacks it or is None."""
    listed = [row or {} for row in rows]
    names = dict.fromkeys(name for row in listed for name in row)
    return {name: [row.get(name) for row in listed] for name in names}


def prediction_columns(predictions: Iterable[object]) -> dict[str, list[object]]:
    """The columns of a model's answers, by series name; an answer of None is missing everywhere."""
    return columns_of(None if answer is None else flatten_prediction(answer) for answer in predictions)


def infer_kind(values: Iterable[object], role: Role = "feature") -> Kind:
    """Numeric when every present value is a number; categorical else, and for booleans.

    A prediction of few distinct whole numbers is a class. Without any present value: categorical,
    so that whatever comes later shows as unseen.
    """
    present = [value for value in values if not is_missing(value)]
    if not present or any(isinstance(value, bool | np.bool_) for value in present):
        return "categorical"
    if not all(isinstance(value, int | float | np.number) for value in present):
        return "categorical"
    whole = all(isinstance(value, int | np.integer) for value in present)
    if role == "prediction" and whole and len(set(present)) <= INTEGER_CLASSES:
        return "categorical"
    return "numeric"


@dataclass(frozen=True)
class _Wanted:
    """A series to be made."""

    name: str
    role: Role
    column: Column
    kind: Kind | None = None
    text: TextMeasure | None = None


def _all_series(
    columns: Mapping[str, Column], predictions: Mapping[str, Column], kinds: Mapping[str, Kind]
) -> list[tuple[FeatureProfile, Values]]:
    """All columns, as fine as MOST_BINS allows."""
    named = [each for name in columns for each in _of_feature(name, columns, kinds.get(name))]
    named += [_Wanted(name, "prediction", column, kinds.get(name)) for name, column in predictions.items()]
    fineness = min(max(MOST_BINS // len(named) - BINS_BESIDE, LEAST_FINENESS), QUANTILES)
    while True:
        built = [_series(wanted, fineness) for wanted in named]
        size = sum(one.n_bins for one, _ in built)
        if size <= MOST_BINS:
            return built
        if fineness == LEAST_FINENESS:
            raise ValueError(
                f"{len(named)} columns make {size} bins, and a profile has at most {MOST_BINS}: watch fewer of them"
            )
        fineness = max(int(0.9 * fineness * MOST_BINS / size), LEAST_FINENESS)


def _of_feature(name: str, columns: Mapping[str, Column], kind: Kind | None) -> list[_Wanted]:
    """The column itself; of free text what can be measured of it."""
    column = list(columns[name])
    names = {measure: f"{name}.{measure}" for measure in MEASURES}
    if kind == "numeric" or not columns.keys().isdisjoint(names.values()) or not is_free_text(column):
        return [_Wanted(name, "feature", column, kind)]
    return [
        _Wanted(names[text.measure], "feature", numbers, "numeric", text) for text, numbers in measured(name, column)
    ]


def _series(wanted: _Wanted, fineness: int) -> tuple[FeatureProfile, Values]:
    """The profile of a column, and the column as numbers or as categories."""
    values = list(wanted.column)
    if (wanted.kind or infer_kind(values, wanted.role)) == "numeric":
        numbers = np.array([to_number(value) for value in values], dtype=np.float64)
        made = build_numeric(wanted.name, wanted.role, numbers, fineness)
        return (made if wanted.text is None else replace(made, text=wanted.text)), numbers
    categories = [to_category(value) for value in values]
    return build_categorical(wanted.name, wanted.role, categories, fineness), categories


def _common_length(columns: Mapping[str, Column]) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    if not lengths or not max(lengths.values()):
        raise ValueError("the reference is empty: give it at least one column and one row")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the reference's columns differ in length: {lengths}; give each the same rows")
    return next(iter(lengths.values()))
