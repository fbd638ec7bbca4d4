"""scikit-learn estimators and pipelines, and anything else with `predict`."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from model_runner.formats import Predict
from model_runner.formats.answers import likeliest, scores_of, squeezed, to_json
from model_runner.formats.columns import InputBuilder, numeric_feature
from model_runner.formats.sklearn_inputs import input_builder
from model_runner.schema import Feature, InputSchema

_ARGMAX_MODULES = ("linear_model", "tree", "ensemble", "naive_bayes", "neural_network")
_NOT_ARGMAX = {"VotingClassifier", "StackingClassifier"}


class SklearnModel:
    """An estimator in memory."""

    def __init__(self, estimator: Any) -> None:
        self.native = estimator

    @property
    def description(self) -> str:
        return f"{_library(self.native)}{type(self.native).__name__}"

    @property
    def task(self) -> str:
        if _is("is_classifier", self.native):
            return "classification"
        return "regression" if _is("is_regressor", self.native) else "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        names = getattr(self.native, "feature_names_in_", None)
        if names is None:
            count = getattr(self.native, "n_features_in_", None)
            # scikit-learn's own names for columns that never had any.
            names = None if count is None else [f"x{i}" for i in range(count)]
        return None if names is None else tuple(numeric_feature(str(name)) for name in names)

    def bind(self, schema: InputSchema | None) -> Predict:
        build = input_builder(self.native, schema)
        if self.task == "classification":
            return _classifier(self.native, build)
        return lambda rows: _plain(self.native.predict(build(rows)))


def _library(estimator: Any) -> str:
    name = type(estimator).__module__.split(".")[0]
    version = getattr(sys.modules.get(name), "__version__", None)
    if version is None:
        return ""
    return f"{'scikit-learn' if name == 'sklearn' else name} {version} "


def _is(test: str, estimator: Any) -> bool:
    """One of scikit-learn's tests; what was loaded without importing scikit-learn is nothing of its kind."""
    tests = sys.modules.get("sklearn.base")
    if tests is None:
        return False
    asked: Callable[[Any], bool] = getattr(tests, test)
    try:
        return bool(asked(estimator))
    except (AttributeError, TypeError):  # not scikit-learn's own: no tags to ask
        return False


def _plain(found: Any) -> list[Any]:
    """Predictions as Python values: a number or label a row, or a list of them for many outputs."""
    return list(squeezed(found if hasattr(found, "tolist") or hasattr(found, "to_dict") else list(found)))


def _classifier(estimator: Any, build: InputBuilder) -> Predict:
    """`{"class": label, "score": p}`: p of the second (positive) class of two, of the likeliest of more."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, list):  # many outputs: a list of labels a row
        return lambda rows: _plain(estimator.predict(build(rows)))
    if not hasattr(estimator, "predict_proba"):
        return lambda rows: [{"class": label, "score": None} for label in _plain(estimator.predict(build(rows)))]
    if _predicts_likeliest(estimator):
        # One pass through the model instead of two.
        labels = to_json(classes)
        return lambda rows: likeliest(labels, estimator.predict_proba(build(rows)))

    def predict(rows: Any) -> list[Any]:
        x = build(rows)
        found = _plain(estimator.predict(x))
        scores = scores_of(estimator.predict_proba(x))
        return [{"class": label, "score": score} for label, score in zip(found, scores, strict=True)]

    return predict


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
