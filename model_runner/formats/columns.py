"""Rows of a request as the columns that a model was fitted on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from model_runner.formats.values import floats, is_numeric
from model_runner.model import Row
from model_runner.names import nearest
from model_runner.schema.dtypes import EMPTY, LARGEST_EXACT
from model_runner.schema.renamed import matched
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

_NARROW = {"float16", "float32"}
InputBuilder = Callable[[Sequence[Row]], Any]
Codes = Mapping[str, Mapping[Any, int]]
"""Of each categorical feature the number that stands for each of its categories."""


def column_order(own: Sequence[str] | None, count: int | None, schema: InputSchema) -> list[str]:
    """The schema's features in the order in which the model takes them, by the schema's names.

    Args:
        own: the names that it was fitted on, which a library may have rewritten; None where it knows only positions,
            which are then the schema's order.
        count: how many it was fitted on; None where nobody knows.

    Raises:
        ValueError: the schema lacks one of the names, or has another number of them.
    """
    names = list(schema.names) if own is None else list(own)
    known = dict.fromkeys(schema.names)
    found = matched(names, list(known))
    lacking = [name for name in names if name not in known]
    if found is not None:
        names = found
    elif lacking:
        meant = nearest(lacking[0], schema.names, most=1)
        hint = f"; is {meant[0]!r} meant?" if meant else ""
        raise ValueError(
            f"the model was fitted on {lacking[0]!r}, which the input schema from {schema.source} lacks{hint}"
        )
    if count is not None and count != len(names):
        raise ValueError(
            f"the model was fitted on {count} features, the input schema from {schema.source} has {len(names)}: "
            f"{', '.join(names[:10])}. Name the target column in tidegate.toml ([reference] target = ...) "
            "or the columns that are no features (ignore = [...])"
        )
    return names


def unnamed_matrix(dtype: Any = np.float64) -> InputBuilder:
    """Without any schema: the values in the order in which they came."""
    return lambda rows: np.array([list(row.values()) for row in rows], dtype=dtype)


def matrix(names: Sequence[str], dtype: Any, schema: InputSchema) -> InputBuilder:
    """Shape (rows, features); None becomes NaN.

    The builder raises UnfitValueError: a number that the model cannot be given as what it is.
    """
    wanted = list(names)
    listed = _lists(wanted, schema)
    if np.dtype(dtype) == np.object_:
        return lambda rows: np.array(listed(rows), dtype=object)
    features = features_of(wanted, schema)
    types = sorted({each.dtype for each in features} & _NARROW)
    narrow = {each: [column for column, one in enumerate(features) if one.dtype == each] for each in types}

    def build(rows: Sequence[Row]) -> Any:
        try:
            found = np.array(listed(rows), dtype=np.float64)
        except (OverflowError, TypeError, ValueError):
            _blame(rows, features)
            raise
        if (np.abs(found) >= LARGEST_EXACT).any():
            _blame(rows, features)
        for type_, columns in narrow.items():
            with np.errstate(over="ignore"):
                rounded = found[:, columns].astype(type_)
            if (np.isinf(rounded) & np.isfinite(found[:, columns])).any():
                _blame(rows, features)
            found[:, columns] = rounded
        return found.astype(dtype, copy=False)

    return build


def features_of(names: Sequence[str], schema: InputSchema) -> list[Feature]:
    """The schema's features of these names, in their order."""
    known = {feature.name: feature for feature in schema.features}
    return [known[name] for name in names]


def _lists(names: Sequence[str], schema: InputSchema) -> Callable[[Sequence[Row]], list[list[Any]]]:
    if any(not feature.required for feature in schema.features):
        return lambda rows: [[row.get(name) for name in names] for row in rows]
    return lambda rows: [[row[name] for name in names] for row in rows]


def _blame(rows: Sequence[Row], features: Sequence[Feature]) -> None:
    """Raises UnfitValueError: the value that no float stands for."""
    for feature in features:
        floats(
            [row.get(feature.name) for row in rows], feature, feature.dtype if feature.dtype in _NARROW else "float64"
        )


def numeric_matrix(
    own: Sequence[str] | None, count: int | None, schema: InputSchema | None, dtype: Any = np.float64
) -> InputBuilder:
    """For models that take nothing but numbers.

    Raises:
        ValueError: as `column_order`, or a feature is not numeric.
    """
    return coded_matrix(own, count, schema, {}, dtype)


def coded_matrix(
    own: Sequence[str] | None, count: int | None, schema: InputSchema | None, codes: Codes, dtype: Any = np.float64
) -> InputBuilder:
    """For models that take numbers, and of categorical features the numbers of their categories.

    A category that the model has never met is a missing value to it.

    Raises:
        ValueError: as `column_order`, or a feature is text for which the model has no numbers.
    """
    if schema is None:
        return unnamed_matrix(dtype)
    names = column_order(own, count, schema)
    codes = {name: codes[mine] for mine, name in zip(own or names, names, strict=True) if mine in codes}
    _refuse_text(names, schema, codes)
    if not codes:
        return matrix(names, dtype, schema)
    tables = [codes.get(name) for name in names]
    features = features_of(names, schema)

    def build(rows: Sequence[Row]) -> Any:
        columns = [_column(rows, feature, table) for feature, table in zip(features, tables, strict=True)]
        return np.array(columns, dtype=dtype).T

    return build


def _column(rows: Sequence[Row], feature: Feature, table: Mapping[Any, int] | None) -> Any:
    values = [row.get(feature.name) for row in rows]
    if table is not None:
        return [table.get(value) for value in values]
    return floats(values, feature, feature.dtype if feature.dtype in _NARROW else "float64")


def _refuse_text(names: Sequence[str], schema: InputSchema, codes: Codes) -> None:
    kinds = {feature.name: feature for feature in schema.features}
    for name in names:
        feature = kinds[name]
        text = feature.kind is Kind.CATEGORICAL and feature.holds is not Holds.NUMBER and not is_numeric(feature)
        text = text and feature.dtype != EMPTY
        if (text or feature.kind is Kind.DATETIME) and name not in codes:
            raise ValueError(
                f"the model takes a number for {name!r}, which is text in the input schema from {schema.source}. "
                "Write a predict.py that turns it into numbers as the training did"
            )


def numeric_feature(name: str) -> Feature:
    """A feature of which no more is known."""
    return Feature(name=name, kind=Kind.NUMERIC)


def categorical_feature(name: str, categories: Sequence[Any]) -> Feature:
    """A feature with these known categories."""
    holds = Holds.ANY
    if all(isinstance(category, str) for category in categories):
        holds = Holds.STRING
    elif all(isinstance(category, int | float) and not isinstance(category, bool) for category in categories):
        holds = Holds.NUMBER
    return Feature(name=name, kind=Kind.CATEGORICAL, holds=holds, categories=tuple(categories))
