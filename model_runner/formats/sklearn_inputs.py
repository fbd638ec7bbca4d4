"""Rows of a request as what an estimator was fitted on: a NumPy matrix, or a DataFrame where names matter."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model_runner.formats import Row
from model_runner.formats.columns import InputBuilder, column_order, matrix, unnamed_matrix
from model_runner.schema import InputSchema, Kind

_BY_NAME = {"ColumnTransformer", "FunctionTransformer"}


def input_builder(estimator: Any, schema: InputSchema | None) -> InputBuilder:
    """How this estimator is fed.

    Raises:
        ValueError: the estimator was fitted on features that the schema lacks, or on another number of them.
    """
    fitted = getattr(estimator, "feature_names_in_", None)
    own = None if fitted is None else [str(name) for name in fitted]
    if schema is None:
        return unnamed_matrix() if own is None else _framed(own, {})
    names = column_order(own, getattr(estimator, "n_features_in_", None), schema)
    kinds = {feature.name: feature.kind for feature in schema.features}
    all_numeric = all(kinds[name] is not Kind.CATEGORICAL for name in names)
    if own is not None and not (all_numeric and _ignores_names(estimator)):
        return _framed(names, kinds)
    # We give the columns in the fitted order, without their names: building a DataFrame costs more than most models.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    return matrix(names, np.dtype(np.float64 if all_numeric else object), schema)


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


def _ignores_names(estimator: Any) -> bool:
    """Whether columns by position do as well: so in scikit-learn's own parts, except those that select columns."""
    parts = [estimator]
    get_params = getattr(estimator, "get_params", None)
    if get_params is not None:
        parts += [value for value in get_params(deep=True).values() if hasattr(value, "fit")]
    return all(
        type(part).__module__.split(".")[0] == "sklearn" and type(part).__name__ not in _BY_NAME for part in parts
    )
