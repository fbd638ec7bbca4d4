"""Estimators of boosters asked as their libraries say."""

from typing import Any

from model_runner.formats.sklearn_answers import classifier, plain
from model_runner.schema.manner import Manner


def own_answers(estimator: Any, x: Any, is_classifier: bool) -> list[Any]:
    """What `predict` answers, of a classifier with its score."""
    if is_classifier:
        return classifier(estimator, Manner())(x)
    return plain(estimator.predict(x))
