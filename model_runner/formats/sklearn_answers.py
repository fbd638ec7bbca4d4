"""What an estimator answers, by its own `predict`; of a classifier with the score that goes with the class."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from model_runner.formats.answers import is_array, squeezed, to_json
from model_runner.formats.sklearn_likeliest import clear_winners, is_likeliest
from model_runner.schema.manner import Manner

Answer = Callable[[Any], list[Any]]
"""From what the estimator takes to one JSON-able answer a row."""


def plain(found: Any) -> list[Any]:
    """Predictions as Python values: a number or label a row, or a list of them for many outputs."""
    return list(squeezed(found if is_array(found) else list(found)))


def label_classes(estimator: Any) -> list[Any] | None:
    """The labels of a classifier with one output, in the order of its probabilities; None for any other."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, list):
        return None
    labels = to_json(classes)
    return labels if isinstance(labels, list) and not any(isinstance(label, list | dict) for label in labels) else None


def classifier(estimator: Any, manner: Manner) -> Answer:
    """`{"class": …, "score": …}` a row where `predict` gives one label a row, else what it gives.

    The score is the probability of the second (positive) class of two, and of the answered class of more.
    """
    labels = label_classes(estimator)
    if labels is None:
        return lambda x: plain(estimator.predict(x))
    if not (manner.scored and hasattr(estimator, "predict_proba")):
        return lambda x: [_one(label, None) for label in plain(estimator.predict(x))]
    take_likeliest = manner.likeliest and is_likeliest(estimator)
    columns = {_key(label): column for column, label in enumerate(labels)}

    def answer(x: Any) -> list[Any]:
        probabilities = np.asarray(estimator.predict_proba(x))
        winners = clear_winners(probabilities) if take_likeliest else None
        # One pass through the model instead of two, where no rounding can decide.
        found = plain(estimator.predict(x)) if winners is None else [labels[column] for column in winners]
        if any(isinstance(each, list | dict) for each in found):
            return found  # several labels a row
        return _scored(found, probabilities, columns)

    return answer


def has_scores(estimator: Any, x: Any) -> bool:
    """Whether its probabilities are those of its classes."""
    labels = label_classes(estimator)
    if labels is None or not hasattr(estimator, "predict_proba"):
        return False
    try:
        shape = np.shape(estimator.predict_proba(x))
    except Exception:  # a part of it has none, or it was fitted without
        return False
    return len(shape) == 2 and shape[1] == len(labels)


def _scored(found: Iterable[Any], probabilities: Any, columns: Mapping[Any, int]) -> list[Any]:
    scores = to_json(probabilities)
    if len(columns) == 2:
        return [_one(label, row[1]) for label, row in zip(found, scores, strict=True)]
    return [_one(label, _of(label, row, columns)) for label, row in zip(found, scores, strict=True)]


def _of(label: Any, row: list[Any], columns: Mapping[Any, int]) -> Any:
    column = columns.get(_key(label))
    return None if column is None else row[column]


def _key(label: Any) -> tuple[bool, Any]:
    """True is no 1 here."""
    return isinstance(label, bool), label


def _one(label: Any, score: Any) -> dict[str, Any]:
    return {"class": label, "score": score}
