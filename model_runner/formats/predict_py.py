"""Anything else, through the folder's own `predict.py`.

It has `predict(model, rows)`, and `load(folder)` which gives the model; without `load` the model is the one of the
model file beside it. Or it has only `predict(rows)`. Rows are a list of objects, values by feature name.
"""

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from model_runner.errors import ModelError
from model_runner.explaining.load_errors import load_errors_of
from model_runner.formats import load as load_file
from model_runner.formats.answers import to_json
from model_runner.model import LoadedModel, Predict, Row
from model_runner.schema.schema import Feature, InputSchema

FILE = "predict.py"
_SHAPE = "Write predict(model, rows) with load(folder), or predict(rows)"


class ScriptModel:
    """A `predict.py` with what it predicts by."""

    task = "other"

    def __init__(self, predict: Callable[[list[Row]], Any], native: Any, description: str) -> None:
        self.native = native
        self.description = description
        self._predict = predict

    def own_features(self) -> tuple[Feature, ...] | None:
        # The model may name its inputs, but what a row is decides the script.
        return None

    def bind(self, schema: InputSchema | None) -> Predict:  # noqa: ARG002 - rows are given as they come
        return lambda rows: _answers(self._predict(list(rows)), len(rows))


def load(path: Path) -> LoadedModel:
    """A script without a model file beside it."""
    return load_with(path, None)


def load_with(path: Path, model_file: Path | None) -> LoadedModel:
    """Import the script and load its model. This runs their code.

    Args:
        path: the script.
        model_file: the model file beside it; None where there is none, or more than one.

    Raises:
        ModelError: the script lacks what it needs, or fails.
    """
    with load_errors_of(FILE):
        script = _imported(path)
    predict = _function(script, "predict")
    if predict is None:
        raise ModelError(FILE, "has no function predict", _SHAPE)
    wanted = _positional(predict)
    if inspect.iscoroutinefunction(predict) or wanted not in {1, 2}:
        found = "is async" if inspect.iscoroutinefunction(predict) else f"takes {wanted} arguments"
        raise ModelError(FILE, f"predict {found}", _SHAPE)
    if wanted == 1:
        _refuse_unused_load(script)
        return ScriptModel(predict, None, "predict.py")
    native, description = _model(script, path.parent, model_file)
    return ScriptModel(lambda rows: predict(native, rows), native, f"predict.py with {description}")


def _imported(path: Path) -> ModuleType:
    """By its plain name: a pickle beside it may name classes of `predict`."""
    script = import_module(path.stem)
    if Path(script.__file__ or "").resolve() != path.resolve():
        raise ImportError(f"another module named {path.stem} was imported first: {script.__file__}")
    return script


def _function(script: ModuleType, name: str) -> Callable[..., Any] | None:
    found = getattr(script, name, None)
    return found if callable(found) else None


def _positional(function: Callable[..., Any]) -> int:
    """How many arguments it must be given."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return sum(each.kind in kinds and each.default is each.empty for each in parameters)


def _refuse_unused_load(script: ModuleType) -> None:
    """A `load` that takes a folder was meant to be called; one without arguments is the script's own business."""
    loader = _function(script, "load")
    if loader is not None and _positional(loader) == 1:
        fix = "Write predict(model, rows), or give load another name"
        raise ModelError(FILE, "has load(folder), but its predict(rows) takes no model", fix)


def _model(script: ModuleType, folder: Path, model_file: Path | None) -> tuple[Any, str]:
    """What `predict` gets, and what to call it."""
    loader = _function(script, "load")
    if loader is not None:
        if _positional(loader) != 1:
            raise ModelError(FILE, f"load takes {_positional(loader)} arguments", "Write load(folder)")
        with load_errors_of(FILE):
            native = loader(folder)
        return native, type(native).__name__
    if model_file is None:
        fix = "Add load(folder) to predict.py, or put one model file beside it"
        raise ModelError(FILE, "predict(model, rows) gets no model: no load(folder), and not one model file", fix)
    with load_errors_of(model_file.name):
        model = load_file(model_file)
    return model.native, model.description


def _answers(found: Any, rows: int) -> list[Any]:
    answers = to_json(found)
    if isinstance(answers, list) and len(answers) == rows:
        return answers
    what = f"{len(answers)} predictions" if isinstance(answers, list) else f"a {type(found).__name__}"
    raise ValueError(f"predict returned {what} for {rows} rows: return a list with one prediction a row")
