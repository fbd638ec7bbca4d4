"""Rows of a request as what an estimator was fitted on: a DataFrame, a matrix, or the values of one column."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from model_runner.formats.columns import (
    InputBuilder,
    column_order,
    features_of,
    matrix,
    numeric_feature,
    unnamed_matrix,
)
from model_runner.formats.frames import column_of, framed
from model_runner.formats.inner import categories_of, fitted_parts, with_categories
from model_runner.formats.sklearn_parts import library, notes_columns, own_count, own_names, parts_of, reads_texts
from model_runner.model import Row
from model_runner.schema.dtypes import CATEGORY, FLOATS, WHOLE
from model_runner.schema.manner import Fed
from model_runner.schema.schema import Feature, InputSchema, Kind

_BY_NAME = {"ColumnTransformer", "FunctionTransformer"}
_BY_COLUMN = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
"""They look at each column of a frame with its own type; of a matrix with the type that all have in common."""


def ways(estimator: Any, schema: InputSchema | None) -> tuple[Fed, ...]:
    """How rows may be given, the likeliest to be that of the training first.

    Raises:
        ValueError: the estimator was fitted on features that the schema lacks, or on another number of them.
    """
    own = own_names(estimator)
    if schema is None:
        return (Fed.MATRIX,) if own is None else (Fed.FRAME,)
    names = column_order(own, own_count(estimator), schema)
    if own is not None:
        return _named_ways(estimator, own, features_of(names, schema))
    if len(names) == 1 and own_count(estimator) is None:
        text = (Fed.SERIES, Fed.VALUES, Fed.FRAME, Fed.MATRIX)
        is_text = reads_texts(estimator) or schema.features[0].kind is Kind.CATEGORICAL
        return text if is_text else (Fed.FRAME, Fed.MATRIX, Fed.SERIES, Fed.VALUES, Fed.LISTS)
    return (Fed.MATRIX, Fed.FRAME, Fed.LISTS) if notes_columns(estimator) else (Fed.FRAME, Fed.MATRIX, Fed.LISTS)


def input_builder(estimator: Any, schema: InputSchema | None, fed: Fed) -> InputBuilder:
    """Rows in this way.

    Raises:
        ValueError: as `ways`.
    """
    own = own_names(estimator)
    if schema is None:
        return unnamed_matrix() if own is None else framed([numeric_feature(name) for name in own])
    names = column_order(own, own_count(estimator), schema)
    features = features_of(names, schema)
    if fed is Fed.CATEGORIES:
        return _named(_categorized(features, categories_of(estimator, own or names), own or names), names, own or names)
    if fed is Fed.FRAME:
        return _named(framed(features), names, own or names)
    return _by_position(features, schema) if fed is Fed.MATRIX else _bare(features, fed)


def _bare(features: Sequence[Feature], fed: Fed) -> InputBuilder:
    """Values without names and without a second dimension, or as lists."""
    first, names = features[0], [feature.name for feature in features]
    if fed is Fed.SERIES:
        frame = framed([first])
        return lambda rows: frame(rows)[first.name]
    if fed is Fed.VALUES:
        return lambda rows: [row.get(first.name) for row in rows]
    return lambda rows: [[row.get(name) for name in names] for row in rows]


def _named_ways(estimator: Any, own: Sequence[str], features: Sequence[Feature]) -> tuple[Fed, ...]:
    """Categories only where the frame is refused without: boosters say so, and who encodes text wants text."""
    plain = (Fed.MATRIX, Fed.FRAME) if _may_go_by_position(estimator, features) else (Fed.FRAME,)
    if categories_of(estimator, own):
        return (*plain, Fed.CATEGORIES)
    # XGBoost before 3.1 numbers the categories of each request anew; the others go by the text.
    has_text = any(feature.kind is Kind.CATEGORICAL for feature in features)
    is_safe = all(library(part) != "xgboost" for part in fitted_parts(estimator))
    return (*plain, Fed.CATEGORIES) if has_text and is_safe else plain


def _categorized(features: Sequence[Feature], known: Mapping[str, Sequence[Any]], own: Sequence[str]) -> InputBuilder:
    """A frame with the categories that the model keeps; other text is a category of those in the request."""
    kept = [
        replace(feature, dtype=CATEGORY, categories=tuple(known[name])) if name in known else feature
        for feature, name in zip(features, own, strict=True)
    ]
    others = [each.name for each in kept if each.kind is Kind.CATEGORICAL and each.dtype != CATEGORY]
    build = framed(kept)
    return lambda rows: build(rows).astype(dict.fromkeys(others, CATEGORY))


def _named(build: InputBuilder, names: Sequence[str], own: Sequence[str]) -> InputBuilder:
    """The columns by the model's own names."""
    return build if list(names) == list(own) else lambda rows: build(rows).set_axis(list(own), axis=1)


def _by_position(features: Sequence[Feature], schema: InputSchema) -> InputBuilder:
    # We give the columns in the fitted order, without their names: building a DataFrame costs more than most models.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    dtype = _common_type(features)
    if dtype is None:
        return _stacked(features, object)
    # Whole numbers stay such; a row with a null or a fraction among them is one of doubles, as pandas makes it.
    return _stacked(features) if dtype.kind in "iu" else matrix([feature.name for feature in features], dtype, schema)


def own_form(estimator: Any, frame: Any, fed: Fed) -> Any:
    """A DataFrame of a training as the training gave it on, where it was no DataFrame."""
    if fed is Fed.CATEGORIES:
        typed = with_categories(frame, categories_of(estimator, list(frame.columns)))
        return typed.astype(dict.fromkeys(typed.select_dtypes(["object", "str"]).columns, "category"))
    if fed is Fed.SERIES:
        return frame.iloc[:, 0]
    if fed is Fed.VALUES:
        return frame.iloc[:, 0].tolist()
    if fed is Fed.LISTS:
        return frame.to_numpy().tolist()
    return frame.to_numpy() if fed is Fed.MATRIX else frame


def shown(x: Any, names: Sequence[str]) -> Any:
    """What an estimator is given, as a DataFrame again."""
    import pandas as pd  # noqa: PLC0415 - as below

    if isinstance(x, pd.DataFrame):
        return x
    columns = [list(x)] if len(names) == 1 and (isinstance(x, pd.Series) or np.ndim(x) == 1) else None
    return pd.DataFrame(x, columns=list(names)) if columns is None else pd.DataFrame({names[0]: columns[0]})


def _common_type(features: Sequence[Feature]) -> Any:
    """The type that scikit-learn makes of such a frame; None where it is objects, or only pandas knows."""
    if any(feature.kind not in {Kind.NUMERIC, Kind.BOOLEAN} for feature in features):
        return None
    known = [feature.dtype or "float64" for feature in features]
    if not set(known) <= WHOLE | FLOATS | {"bool"} or any(dtype[0] == "F" for dtype in known):
        return None
    # A frame of truth and numbers is an array of objects, which scikit-learn turns into doubles.
    return np.result_type(*("float64" if dtype == "bool" else dtype for dtype in known)) if known else np.dtype(float)


def _stacked(features: Sequence[Feature], dtype: Any = None) -> InputBuilder:
    """Columns of their own types side by side, shape (rows, features)."""
    columns = [(feature.name, column_of(feature)) for feature in features]

    def build(rows: Sequence[Row]) -> Any:
        found = [np.asarray(column([row.get(name) for row in rows]), dtype=dtype) for name, column in columns]
        return np.stack(found, axis=1)

    return build


def _may_go_by_position(estimator: Any, features: Sequence[Feature]) -> bool:
    """Whether a matrix of numbers does as well as a DataFrame: in scikit-learn's parts that do not look at columns."""
    alike = len({feature.dtype or "float64" for feature in features}) == 1
    special = _BY_NAME if alike else _BY_NAME | _BY_COLUMN
    is_plain = all(library(part) == "sklearn" and type(part).__name__ not in special for part in parts_of(estimator))
    return is_plain and _common_type(features) is not None
