"""XGBoost models: UBJSON and JSON files, which run no code, and its objects out of pickles."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from model_runner.errors import ModelError
from model_runner.formats.answers import likeliest, positive, squeezed, to_json
from model_runner.formats.columns import Codes, categorical_feature, coded_matrix, column_order, numeric_feature
from model_runner.formats.inner import with_categories
from model_runner.formats.own import own_answers
from model_runner.formats.sklearn_memory import classes_of
from model_runner.model import Predict
from model_runner.schema.fitted import Fitted
from model_runner.schema.manner import Manner
from model_runner.schema.schema import Feature, InputSchema

_CLASSES = ("binary:", "multi:")
_NUMBERS = ("reg:", "count:", "survival:")


class BoosterModel:
    """A booster in memory, alone or inside one of XGBoost's estimators."""

    def __init__(self, booster: Any, estimator: Any = None) -> None:
        self.native = booster if estimator is None else estimator
        self._booster = booster
        self._missing = np.nan if estimator is None else estimator.missing
        config = json.loads(booster.save_config())["learner"]
        self._objective: str = config["objective"]["name"]
        self._linear = config["gradient_booster"]["name"] == "gblinear"
        self._rounds = _rounds(booster, estimator)
        self.codes = _codes(booster)

    @property
    def description(self) -> str:
        return f"XGBoost {xgboost.__version__} {type(self.native).__name__} ({self._objective})"

    @property
    def task(self) -> str:
        if self._objective.startswith(_CLASSES) and self._objective != "binary:logitraw":
            return "classification"
        return "regression" if self._objective.startswith(_NUMBERS) else "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        # Without names XGBoost itself says f0, f1, ...
        names = self._booster.feature_names or [f"f{i}" for i in range(self._booster.num_features())]
        return tuple(
            categorical_feature(name, list(self.codes[name])) if name in self.codes else numeric_feature(name)
            for name in names
        )

    def fitted(self) -> Fitted:
        """The names or the number of the columns, and the classes."""
        names = self._booster.feature_names
        return Fitted(
            None if names is None else tuple(names), self._booster.num_features(), {}, classes_of(self.native)
        )

    def bind(self, schema: InputSchema | None) -> Predict:
        own = self._booster.feature_names
        build = coded_matrix(own, self._booster.num_features(), schema, self.codes)
        answer = self._answer()
        return lambda rows: answer(self._scores(build(rows)))

    def own_answers(self, frame: Any, schema: InputSchema | None, manner: Manner) -> list[Any]:  # noqa: ARG002
        """What the estimator, or the booster, answers to the DataFrame."""
        names = self._booster.feature_names
        order = column_order(names, self._booster.num_features(), schema) if schema else list(frame.columns)
        typed = with_categories(frame[order].set_axis(names or order, axis=1), self.codes)
        if self.native is not self._booster:
            return own_answers(self.native, typed if names else typed.to_numpy(), self.task == "classification")
        data = xgboost.DMatrix(typed, missing=self._missing, enable_categorical=True, feature_names=names)
        return list(self._answer()(self._booster.predict(data, iteration_range=self._rounds, validate_features=False)))

    def _scores(self, x: Any) -> Any:
        if self._linear:  # which XGBoost cannot predict in place
            return self._booster.predict(xgboost.DMatrix(x, missing=self._missing), validate_features=False)
        return self._booster.inplace_predict(
            x, iteration_range=self._rounds, missing=self._missing, validate_features=False
        )

    def _answer(self) -> Any:
        labels = _labels(self.native)
        if self.task != "classification":
            return squeezed
        if self._objective == "multi:softprob":
            return lambda scores: likeliest(labels or range(scores.shape[1]), scores)
        if self._objective == "binary:logistic":
            return lambda scores: _binary(labels or (0, 1), scores)
        # The booster answers the class itself, as a float.
        return lambda scores: [{"class": int(label), "score": None} for label in scores.reshape(-1).tolist()]


def load(path: Path) -> BoosterModel:
    """Load a `.ubj` or `.json` file.

    Raises:
        ModelError: it is no model of XGBoost.
    """
    booster = xgboost.Booster()
    try:
        booster.load_model(path)
    except xgboost.core.XGBoostError as error:
        said = str(error).splitlines()[0].split("] ", 1)[-1]
        fix = "Save it with save_model() of the booster or the estimator; other JSON files need another name"
        raise ModelError(path.name, f"is no model of XGBoost {xgboost.__version__}: {said}", fix) from error
    return BoosterModel(booster)


def wrap(found: Any) -> BoosterModel:
    """A booster or an estimator that was pickled."""
    return BoosterModel(found) if isinstance(found, xgboost.Booster) else BoosterModel(found.get_booster(), found)


def _binary(labels: Sequence[Any], scores: Any) -> list[Any]:
    if scores.ndim == 1:
        return positive(labels, scores)
    # Many targets: a list of labels a row.
    return [[labels[int(side)] for side in row] for row in (scores > 0.5).tolist()]


def _labels(native: Any) -> list[Any] | None:
    """Of an estimator; a booster knows only numbers."""
    classes = getattr(native, "classes_", None)
    return None if classes is None else list(to_json(classes))


def _rounds(booster: Any, estimator: Any) -> tuple[int, int]:
    """Which trees predict: of XGBoost's estimators those up to the best round, also after a way through a file."""
    best = booster.attr("best_iteration")
    fitted_by_estimator = estimator is not None or booster.attr("scikit_learn") is not None
    return (0, int(best) + 1) if best is not None and fitted_by_estimator else (0, 0)


def _codes(booster: Any) -> Codes:
    """XGBoost keeps the categories of a DataFrame in the model, and numbers them in that order."""
    if "c" not in (booster.feature_types or ()):
        return {}
    kept = booster.get_categories(export_to_arrow=True).to_arrow()
    known = {name: categories.to_pylist() for name, categories in kept if categories is not None}
    return {name: {category: code for code, category in enumerate(values)} for name, values in known.items()}
