"""Rows of a request as what an estimator was fitted on: a DataFrame, a matrix, or the values of one column."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_runner.dtypes import FLOATS, WHOLE
from model_runner.formats import Row
from model_runner.formats.columns import (
    InputBuilder,
    column_order,
    features_of,
    matrix,
    numeric_feature,
    unnamed_matrix,
)
from model_runner.formats.frames import column_of, framed
from model_runner.formats.sklearn_parts import library, notes_columns, own_count, own_names, parts_of, reads_texts
from model_runner.manner import Fed
from model_runner.schema import Feature, InputSchema, Kind

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
        return (Fed.MATRIX, Fed.FRAME) if _may_go_by_position(estimator, features_of(names, schema)) else (Fed.FRAME,)
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
    if fed is Fed.FRAME:
        return framed(features)
    if fed is Fed.SERIES:
        return _series(features[0])
    if fed is Fed.VALUES:
        return lambda rows: [row.get(names[0]) for row in rows]
    if fed is Fed.LISTS:
        return lambda rows: [[row.get(name) for name in names] for row in rows]
    return _by_position(features, schema)


def _by_position(features: Sequence[Feature], schema: InputSchema) -> InputBuilder:
    # We give the columns in the fitted order, without their names: building a DataFrame costs more than most models.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    dtype = _common_type(features)
    if dtype is None:
        return _stacked(features, object)
    # Whole numbers stay such; a row with a null or a fraction among them is one of doubles, as pandas makes it.
    return _stacked(features) if dtype.kind in "iu" else matrix([feature.name for feature in features], dtype, schema)


def own_form(frame: Any, fed: Fed) -> Any:
    """A DataFrame of a training as the training gave it on, where it was no DataFrame."""
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


def _series(feature: Feature) -> InputBuilder:
    frame = framed([feature])
    return lambda rows: frame(rows)[feature.name]


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
