"""A schema as the files have it, brought together with what the model knows that it was fitted on.

What the model was fitted on decides what callers have to send. What stands beside it in the reference (the index of
pandas, the target, an id) is left out, and said; where nobody knows, nothing is left out but an index.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from model_runner.folder.unusable_columns import UnusableColumnError
from model_runner.schema.dtypes import EMPTY, is_whole
from model_runner.schema.fitted import Cells, Column, Fitted
from model_runner.schema.renamed import matched
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind, LeftOut

_DECLARE = 'declare {name!r} in [features] of tidegate.toml as "{kind}"'


class Hints(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the files show of the columns, as long as nobody has asked the model."""

    indexes: dict[str, str] = {}
    """Columns that look like a frame's index, and why."""
    values: dict[str, tuple[Any, ...]] = {}
    """The different values of columns that have few: one may be the target."""
    unusable: dict[str, str] = {}
    """Columns that no feature can be, and why."""


def settled(schema: InputSchema, fitted: Fitted, hints: Hints, *, is_declared: bool) -> InputSchema:
    """The schema of what the model takes. Settling twice changes nothing.

    Args:
        schema: as the files have it.
        fitted: what the model knows.
        hints: what the files show besides.
        is_declared: whether tidegate.toml names the features: then they are all of them.

    Raises:
        UnusableColumnError: a column that is not left out can be no feature.
        ValueError: a column is not what the model was fitted on (it says which, and what to do).
    """
    left_out: tuple[LeftOut, ...] = ()
    if not is_declared:
        left_out = _beside(schema.features, fitted, hints)
    gone = {each.name for each in left_out}
    kept = [feature for feature in schema.features if feature.name not in gone]
    for name in _needed(kept, fitted):
        if name in hints.unusable:
            raise UnusableColumnError(schema.source, name, hints.unusable[name])
    # Who knows no names counts, as scikit-learn does where there never were any.
    keys = [feature.name if fitted.names is not None else f"x{number}" for number, feature in enumerate(kept)]
    features = tuple(
        _agreed(each, fitted.columns.get(key), schema.source) for key, each in zip(keys, kept, strict=True)
    )
    return replace(schema, features=features, left_out=(*schema.left_out, *left_out))


def _needed(kept: Sequence[Feature], fitted: Fitted) -> list[str]:
    """All that are kept; where one of the model's own is not there, which is said later, the others of its own."""
    names = [feature.name for feature in kept]
    if fitted.names is None or matched(fitted.names, names) is not None:
        return names
    return [name for name in names if name in fitted.names]


def _beside(features: Sequence[Feature], fitted: Fitted, hints: Hints) -> tuple[LeftOut, ...]:
    names = [feature.name for feature in features]
    if fitted.names is not None:
        taken = matched(fitted.names, names)
        # Where one of its own is not there, that is to be said, and not what else there is.
        known = frozenset(names if taken is None else taken)
        extra = [name for name in names if name not in known]
        return tuple(LeftOut(name, _reason(name, extra, fitted, hints)) for name in extra)
    if fitted.count == len(names):
        return ()
    # What can be no feature is no input of a model of which the number of inputs is known, and another one.
    reasons = {**hints.indexes, **(hints.unusable if fitted.count is not None else {})}
    indexes = [LeftOut(name, reason) for name, reason in reasons.items() if name in names]
    rest = [name for name in names if name not in reasons]
    targets = [name for name in rest if _has_classes(name, fitted, hints)]
    if fitted.count == len(rest) - 1 and len(targets) == 1:
        return (*indexes, LeftOut(targets[0], _TARGET))
    return tuple(indexes)


_TARGET = "the target: its values are the model's classes"


def _reason(name: str, extra: Sequence[str], fitted: Fitted, hints: Hints) -> str:
    if name in hints.indexes:
        return hints.indexes[name]
    alone = [each for each in extra if _has_classes(each, fitted, hints)] == [name]
    return _TARGET if alone else "the model was not fitted on it"


def _has_classes(name: str, fitted: Fitted, hints: Hints) -> bool:
    values: Sequence[Any] = hints.values.get(name, ())
    return bool(fitted.classes) and len(values) > 1 and frozenset(values) == fitted.classes


def _agreed(feature: Feature, column: Column | None, source: str) -> Feature:
    """The feature as the model's own parts remember its column."""
    if column is None:
        return feature
    feature = replace(feature, null=feature.null or column.null)
    if feature.dtype == "category" or feature.kind is Kind.DATETIME:
        return feature
    if column.cells is Cells.TEXT:
        return _as_text(feature, column, source)
    if column.cells in {Cells.WHOLE, Cells.FLOATS}:
        return _as_number(feature, column, source)
    return feature


def _as_text(feature: Feature, column: Column, source: str) -> Feature:
    is_text = feature.kind is Kind.CATEGORICAL and not is_whole(feature.dtype)
    if is_text and feature.dtype != EMPTY:
        return feature
    # Whole numbers are written in one way, so that their text is what stood in the file.
    if not is_text and not is_whole(feature.dtype) and not (source == "model" and feature.kind is Kind.NUMERIC):
        what = f"the model was fitted on text such as {column.example!r} for {feature.name!r}"
        has = f"{source} has {feature.kind.value} values"
        raise ValueError(f"{what}, and {has}: {_DECLARE.format(name=feature.name, kind='categorical')}")
    return replace(feature, kind=Kind.CATEGORICAL, holds=Holds.STRING, dtype="")


def _as_number(feature: Feature, column: Column, source: str) -> Feature:
    is_text = feature.kind is Kind.CATEGORICAL and feature.holds is Holds.STRING
    if is_text:
        what = f"the model was fitted on {column.cells} such as {column.example!r} for {feature.name!r}"
        why = f"{source} has text, or numbers that are not written as numbers are (01067)"
        raise ValueError(f"{what}, and {why}: {_DECLARE.format(name=feature.name, kind='numeric')}")
    if feature.dtype:
        return feature
    return replace(feature, dtype="int64" if column.cells is Cells.WHOLE else "float64")


def as_settled(rows: Sequence[Mapping[str, Any]], schema: InputSchema | None) -> list[dict[str, Any]]:
    """Rows of the folder's files without what was left out."""
    gone = set() if schema is None else {each.name for each in schema.left_out}
    return [{name: value for name, value in row.items() if name not in gone} for row in rows]


def text_names(schema: InputSchema) -> set[str]:
    """The features of which every value is text."""
    return {each.name for each in schema.features if each.kind is Kind.CATEGORICAL and each.holds is Holds.STRING}


def as_text(value: Any) -> Any:
    """A whole number of a file as the text that stood there; anything else as it is."""
    return str(value) if type(value) is int else value
