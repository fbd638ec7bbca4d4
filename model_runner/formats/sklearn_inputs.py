"""Rows of a request as what an estimator was fitted on: a DataFrame, a matrix, or the values of one column."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_runner.formats import Row
from model_runner.formats.columns import InputBuilder, column_order, matrix, unnamed_matrix
from model_runner.formats.sklearn_parts import library, notes_columns, own_count, own_names, parts_of, reads_texts
from model_runner.manner import Fed
from model_runner.schema import InputSchema, Kind

_BY_NAME = {"ColumnTransformer", "FunctionTransformer"}


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
        return (Fed.MATRIX, Fed.FRAME) if _may_go_by_position(estimator, names, schema) else (Fed.FRAME,)
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
        return unnamed_matrix() if own is None else _framed(own, {})
    names = column_order(own, own_count(estimator), schema)
    kinds = {feature.name: feature.kind for feature in schema.features}
    if fed is Fed.FRAME:
        return _framed(names, kinds)
    if fed is Fed.SERIES:
        return _series(names[0], kinds)
    if fed is Fed.VALUES:
        return lambda rows: [row.get(names[0]) for row in rows]
    if fed is Fed.LISTS:
        return lambda rows: [[row.get(name) for name in names] for row in rows]
    # We give the columns in the fitted order, without their names: building a DataFrame costs more than most models.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    all_numeric = all(kinds[name] is not Kind.CATEGORICAL for name in names)
    return matrix(names, np.dtype(np.float64 if all_numeric else object), schema)


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


def _series(name: str, kinds: Mapping[str, Kind]) -> InputBuilder:
    frame = _framed([name], kinds)
    return lambda rows: frame(rows)[name]


def _framed(names: list[str], kinds: Mapping[str, Kind]) -> InputBuilder:
    import pandas as pd  # noqa: PLC0415 - half a second that an all-numeric model need not pay

    def build(rows: Sequence[Row]) -> Any:
        return pd.DataFrame({name: _column([row.get(name) for row in rows], kinds.get(name)) for name in names})

    return build


def _column(values: list[Any], kind: Kind | None) -> Any:
    if kind is Kind.BOOLEAN and None not in values:
        # Not as numbers: beside numbers a column of truth makes scikit-learn's matrices of type object.
        return np.array(values, dtype=np.bool_)
    if kind in {Kind.NUMERIC, Kind.BOOLEAN}:
        return np.array(values, dtype=np.float64)
    # NaN is how pandas reads an empty cell, hence what encoders met as "missing" when they were fitted.
    return np.array([np.nan if value is None else value for value in values], dtype=object)


def _may_go_by_position(estimator: Any, names: Sequence[str], schema: InputSchema) -> bool:
    """Whether a matrix of numbers does as well as the DataFrame that it was fitted on."""
    kinds = {feature.name: feature.kind for feature in schema.features}
    return all(kinds[name] is not Kind.CATEGORICAL for name in names) and _ignores_names(estimator)


def _ignores_names(estimator: Any) -> bool:
    """Whether columns by position do as well: so in scikit-learn's own parts, except those that select columns."""
    return all(library(part) == "sklearn" and type(part).__name__ not in _BY_NAME for part in parts_of(estimator))
