"""LightGBM models: its text files, which run no code, and its objects out of pickles."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm

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

_BINARY = {"binary"}
_MANY = {"multiclass", "multiclassova"}
_RANKING = {"lambdarank", "rank_xendcg", "custom", ""}
_HEAD_BYTES = 65_536
_UNNAMED = re.compile(r"Column_\d+")


class BoosterModel:
    """A booster in memory, alone or inside one of LightGBM's estimators."""

    def __init__(self, booster: Any, estimator: Any = None) -> None:
        self.native = booster if estimator is None else estimator
        self._booster = booster
        # The text of one round has all that is not a tree; the interface has no other way to ask.
        text = booster.model_to_string(num_iteration=1)
        self._objective = _line(text, r"^objective=(\w+)")
        self._names: list[str] = booster.feature_name()
        self.codes = self._categories(text)

    @property
    def description(self) -> str:
        return f"LightGBM {lightgbm.__version__} {type(self.native).__name__} ({self._objective or 'no objective'})"

    @property
    def task(self) -> str:
        if self._objective in _BINARY | _MANY:
            return "classification"
        return "other" if self._objective in _RANKING else "regression"

    def own_features(self) -> tuple[Feature, ...] | None:
        return tuple(
            categorical_feature(name, list(self.codes[name])) if name in self.codes else numeric_feature(name)
            for name in self._names
        )

    def fitted(self) -> Fitted:
        """The names or the number of the columns, and the classes."""
        names = self._own_names()
        return Fitted(None if names is None else tuple(names), len(self._names), {}, classes_of(self.native))

    def bind(self, schema: InputSchema | None) -> Predict:
        build = coded_matrix(self._own_names(), len(self._names), schema, self.codes)
        return lambda rows: self._answers(self._booster.predict(build(rows)))

    def own_answers(self, frame: Any, schema: InputSchema | None, manner: Manner) -> list[Any]:  # noqa: ARG002
        """What the estimator, or the booster, answers to the DataFrame."""
        own = self._own_names()
        order = column_order(own, len(self._names), schema) if schema else list(frame.columns)
        typed = with_categories(frame[order].set_axis(own or order, axis=1), self.codes)
        if self.native is not self._booster:
            return own_answers(self.native, typed if own else typed.to_numpy(), self.task == "classification")
        return self._answers(self._booster.predict(typed))

    def _own_names(self) -> list[str] | None:
        """Names that LightGBM gave stand for positions."""
        return None if all(map(_UNNAMED.fullmatch, self._names)) else self._names

    def _answers(self, scores: Any) -> list[Any]:
        labels = _labels(self.native)
        if self._objective in _BINARY:
            return positive(labels or (0, 1), scores)
        if self._objective in _MANY:
            return likeliest(labels or range(self._booster.num_model_per_iteration()), scores)
        return list(squeezed(scores))

    def _categories(self, text: str) -> Codes:
        """LightGBM keeps the categories of a DataFrame in the model, and numbers them in that order."""
        kept: Sequence[Sequence[Any]] = self._booster.pandas_categorical or ()
        if not kept:
            return {}
        columns = [int(index) for index in _line(text, r"^\[categorical_feature: ([\d,]+)\]").split(",") if index]
        names = [self._names[index] for index in sorted(columns)]
        if len(names) != len(kept):
            raise ModelError(
                "model",
                f"{len(names)} features are categorical, but categories were saved for {len(kept)}",
                "Train on a DataFrame whose categorical columns have the dtype category, and name no others",
            )
        found = zip(names, kept, strict=True)
        return {name: {category: code for code, category in enumerate(values)} for name, values in found}


def load(path: Path) -> BoosterModel:
    """Load a `.txt` or `.lgb` file, as `Booster.save_model` writes it.

    Raises:
        ModelError: it is no model of LightGBM.
    """
    _refuse_line_ends(path)
    try:
        booster = lightgbm.Booster(model_file=path)
    except lightgbm.basic.LightGBMError as error:
        fix = "Save it with booster.save_model(), of an estimator model.booster_.save_model(); notes need another name"
        raise ModelError(path.name, f"is no model of LightGBM {lightgbm.__version__}", fix) from error
    return BoosterModel(booster)


def _refuse_line_ends(path: Path) -> None:
    """LightGBM finds no tree in such a file: it ends the process, or looks for one for ever."""
    with path.open("rb") as file:
        has_them = b"\r" in file.read(_HEAD_BYTES)
    if has_them:
        fix = (
            "Save it again with booster.save_model(). If git or an editor made them: a line `*.txt -text` in "
            ".gitattributes, then commit the file as it was saved"
        )
        problem = "has the line ends of Windows or of an old Mac (CR), and LightGBM reads a model with LF alone"
        raise ModelError(path.name, problem, fix)


def wrap(found: Any) -> BoosterModel:
    """A booster or an estimator that was pickled."""
    return BoosterModel(found) if isinstance(found, lightgbm.Booster) else BoosterModel(found.booster_, found)


def _labels(native: Any) -> list[Any] | None:
    """Of an estimator; a booster knows only numbers."""
    classes = getattr(native, "classes_", None)
    return None if classes is None else list(to_json(classes))


def _line(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else ""
