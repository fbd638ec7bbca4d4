"""Pickles, plain or by joblib, of whatever library: what was saved is served as that library's model."""

import pickle
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from model_runner.errors import ModelError
from model_runner.model import LoadedModel, Predict
from model_runner.schema.schema import Feature, InputSchema

_WRAPPERS = {
    "xgboost.core": "xgboost",
    "xgboost.sklearn": "xgboost",
    "lightgbm.basic": "lightgbm",
    "lightgbm.sklearn": "lightgbm",
}
"""By the module of the class itself: a subclass of somebody's own may predict in its own way."""


class BareObject:
    """Something without `predict`, which only a `predict.py` can serve."""

    def __init__(self, found: Any, file: str) -> None:
        self.native = found
        self._file = file

    description = "an object without predict()"
    task = "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        return None

    def bind(self, schema: InputSchema | None) -> Predict:  # noqa: ARG002 - the protocol's signature
        problem = f"it holds a {type(self.native).__name__}, which has no predict()"
        raise ModelError(self._file, problem, self._fix())

    def _fix(self) -> str:
        """By what it has instead: an estimator of densities or a transformer is asked otherwise."""
        has = next((name for name in ("score_samples", "transform") if hasattr(self.native, name)), None)
        if has is None:
            return "Save the fitted estimator or pipeline itself, or add a predict.py with predict(model, rows)"
        return (
            f"Add a predict.py that asks its {has}(): def predict(model, rows): "
            f"return model.{has}([list(row.values()) for row in rows]).tolist()"
        )


def load(path: Path) -> LoadedModel:
    """Load a pickle or a joblib file. This runs the code in it."""
    if path.suffix == ".joblib":
        import joblib  # noqa: PLC0415 - a plain pickle needs none

        found = joblib.load(path)
    else:
        with path.open("rb") as file:
            found = pickle.load(file)  # noqa: S301 - the runner is the process in which a model's code may run
    return wrapped(found, path.name)


def wrapped(found: Any, file: str) -> LoadedModel:
    """The object as a model of its library."""
    wrapper = _WRAPPERS.get(type(found).__module__)
    if wrapper is not None:
        return cast(LoadedModel, import_module(f"model_runner.formats.{wrapper}").wrap(found))
    if any(base.__module__ == "torch.nn.modules.module" for base in type(found).__mro__):
        return cast(LoadedModel, import_module("model_runner.formats.torch").network(found))
    if not callable(getattr(found, "predict", None)):
        return BareObject(found, file)
    from model_runner.formats.sklearn import SklearnModel  # noqa: PLC0415 - only for what is served by it

    return SklearnModel(found)
