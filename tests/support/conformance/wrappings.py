"""What people put around an estimator."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

Wrap = Callable[[Any], Any]
"""An estimator around an estimator; None where nobody would do that to one."""


def is_one_of(test: Callable[[Any], bool], estimator: Any) -> bool:
    """One of scikit-learn's tests; what is none of its kind has no tags to ask."""
    try:
        return test(estimator)
    except (AttributeError, TypeError):
        return False


def predicting(estimator: Any) -> Any:
    """Itself; what only transforms or resamples before something that predicts."""
    if hasattr(estimator, "fit_resample"):
        return import_module("imblearn.pipeline").make_pipeline(estimator, LogisticRegression())
    if hasattr(estimator, "predict") or not hasattr(estimator, "transform"):
        return estimator
    return make_pipeline(estimator, LogisticRegression(max_iter=200))


def columns(estimator: Any) -> Any:
    return make_pipeline(
        make_column_transformer(
            (StandardScaler(), make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
            sparse_threshold=0,
        ),
        FunctionTransformer(np.abs),  # some take no negative numbers
        predicting(estimator),
    )


def search(estimator: Any) -> Any:
    steps = Pipeline([("vary", VarianceThreshold()), ("model", predicting(estimator))])
    tried = {"vary__threshold": stats.uniform(0.0, 1e-6)}
    return RandomizedSearchCV(steps, tried, n_iter=2, cv=2, random_state=0, error_score="raise")


def calibrated(estimator: Any) -> Any:
    return CalibratedClassifierCV(estimator, cv=2) if is_one_of(is_classifier, estimator) else None


def stacked(estimator: Any) -> Any:
    if is_one_of(is_classifier, estimator):
        return StackingClassifier([("one", estimator), ("two", LogisticRegression(max_iter=200))], cv=2)
    return (
        StackingRegressor([("one", estimator), ("two", Ridge())], cv=2) if is_one_of(is_regressor, estimator) else None
    )


def of_the_logarithm(estimator: Any) -> Any:
    """The target transformed."""
    if not is_one_of(is_regressor, estimator):
        return None
    return TransformedTargetRegressor(estimator, func=np.log1p, inverse_func=np.expm1, check_inverse=False)


WRAPPINGS: dict[str, Wrap] = {
    "alone": predicting,
    "columns": columns,
    "search": search,
    "calibrated": calibrated,
    "stacked": stacked,
    "target": of_the_logarithm,
}
