"""scikit-learn estimators and pipelines from pickle or joblib, and anything else there with `predict`."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.base import is_classifier, is_regressor

from model_runner.formats import Predict
from model_runner.formats.sklearn_inputs import InputBuilder, input_builder
from model_runner.schema import Feature, InputSchema, Kind

_ARGMAX_MODULES = ("linear_model", "tree", "ensemble", "naive_bayes", "neural_network")
_NOT_ARGMAX = {"VotingClassifier", "StackingClassifier"}


class SklearnModel:
    """An estimator in memory."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    @property
    def description(self) -> str:
        return f"scikit-learn {sklearn.__version__} {type(self._estimator).__name__}"

    @property
    def task(self) -> str:
        if _is(is_classifier, self._estimator):
            return "classification"
        return "regression" if _is(is_regressor, self._estimator) else "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        names = getattr(self._estimator, "feature_names_in_", None)
        if names is None:
            count = getattr(self._estimator, "n_features_in_", None)
            # scikit-learn's own names for columns that never had any.
            names = None if count is None else [f"x{i}" for i in range(count)]
        return None if names is None else tuple(Feature(name=str(name), kind=Kind.NUMERIC) for name in names)

    def bind(self, schema: InputSchema | None) -> Predict:
        build = input_builder(self._estimator, schema)
        if self.task == "classification":
            return _classifier(self._estimator, build)
        return lambda rows: _plain(self._estimator.predict(build(rows)))


def load(path: Path) -> SklearnModel:
    """Load a pickle or a joblib file. This runs the code in it.

    Raises:
        TypeError: what was loaded has no `predict`.
    """
    if path.suffix == ".joblib":
        estimator = joblib.load(path)
    else:
        with path.open("rb") as file:
            estimator = pickle.load(file)  # noqa: S301 - the runner is the process in which a model's code may run
    if not callable(getattr(estimator, "predict", None)):
        found = type(estimator).__name__
        raise TypeError(f"it holds a {found}, which has no predict(): save the fitted estimator or pipeline itself")
    return SklearnModel(estimator)


def _is(test: Callable[[Any], bool], estimator: Any) -> bool:
    try:
        return bool(test(estimator))
    except (AttributeError, TypeError):  # not scikit-learn's own: no tags to ask
        return False


def _plain(found: Any) -> list[Any]:
    """Predictions as Python values: a number or label a row, or a list of them for many outputs."""
    values = found.tolist() if hasattr(found, "tolist") else list(found)
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]


def _classifier(estimator: Any, build: InputBuilder) -> Predict:
    """`{"class": label, "score": p}`: p of the second (positive) class of two, of the likeliest of more."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, list):  # many outputs: a list of labels a row
        return lambda rows: _plain(estimator.predict(build(rows)))
    if not hasattr(estimator, "predict_proba"):
        return lambda rows: [{"class": label, "score": None} for label in _plain(estimator.predict(build(rows)))]
    labels = classes.tolist()
    if _predicts_likeliest(estimator):
        return _likeliest(estimator, build, labels)

    def predict(rows: Any) -> list[Any]:
        x = build(rows)
        found = _plain(estimator.predict(x))
        scores = _scores(estimator.predict_proba(x), len(labels))
        return [{"class": label, "score": score} for label, score in zip(found, scores, strict=True)]

    return predict


def _likeliest(estimator: Any, build: InputBuilder, labels: list[Any]) -> Predict:
    """One pass through the model instead of two."""

    def predict(rows: Any) -> list[Any]:
        probabilities = estimator.predict_proba(build(rows))
        best = probabilities.argmax(axis=1).tolist()
        scores = _scores(probabilities, len(labels))
        return [{"class": labels[i], "score": score} for i, score in zip(best, scores, strict=True)]

    return predict


def _scores(probabilities: Any, classes: int) -> list[float]:
    """Shape (rows, classes) to one score a row."""
    scores = probabilities[:, 1] if classes == 2 else probabilities.max(axis=1)
    return list(scores.tolist())


def _predicts_likeliest(estimator: Any) -> bool:
    """Whether `predict` is the arg-max of `predict_proba`: not so for SVC, tuned thresholds and other people's code."""
    *_, last = _final_steps(estimator)
    module = type(last).__module__.split(".")
    if type(last).__name__ in _NOT_ARGMAX or module[0] != "sklearn":
        return False
    return len(module) > 1 and module[1] in _ARGMAX_MODULES


def _final_steps(estimator: Any) -> Iterator[Any]:
    yield estimator
    if type(estimator).__module__ == "sklearn.pipeline" and hasattr(estimator, "steps"):
        yield from _final_steps(estimator.steps[-1][1])
