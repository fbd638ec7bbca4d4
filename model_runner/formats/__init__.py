"""Formats of model files: which suffix is loaded by what.

A format's libraries are imported only when one of its files is loaded.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from model_runner.schema.manner import Manner
from model_runner.schema.schema import Feature, InputSchema

Row = Mapping[str, Any]
"""One instance: values by feature name; None is a missing value."""
Predict = Callable[[Sequence[Row]], list[Any]]
"""One JSON-able prediction per row, in order."""


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def native(self) -> Any:
        """The library's own object, as `predict.py` gets it."""

    @property
    def description(self) -> str:
        """Library, version and class, for people."""

    @property
    def task(self) -> str:
        """`classification`, `regression` or `other`."""

    def own_features(self) -> tuple[Feature, ...] | None:
        """The inputs that the model file itself names; None where it names none."""

    def bind(self, schema: InputSchema | None) -> Predict:
        """The prediction function for instances of this schema.

        Raises:
            ValueError: the model cannot be fed from the schema (it says why).
            ModelError: what was loaded cannot predict by itself.
        """


@runtime_checkable
class Settles(Protocol):
    """A model that can be asked in more than one way."""

    def settle(self, schema: InputSchema | None, rows: Sequence[Row]) -> Manner:
        """How it is to be asked, tried with real rows. Raises what the model does where nothing works."""

    def bind_as(self, schema: InputSchema | None, manner: Manner) -> Predict:
        """As `bind`, in this manner."""


class Format(Protocol):
    """A module of this package."""

    def load(self, path: Path) -> LoadedModel:
        """Load a model file. This may run the code in it.

        Raises:
            ModelError: what is wrong with the file, where that is known.
            Exception: whatever the library or the model's own code raises.
        """


_MODULES = {
    ".pkl": "pickled",
    ".joblib": "pickled",
    ".skops": "skops",
    ".pt": "torch",
    ".pt2": "torch_export",
    ".ubj": "xgboost",
    ".json": "xgboost",
    ".onnx": "onnx",
    ".txt": "lightgbm",
    ".lgb": "lightgbm",
    ".py": "predict_py",
}


def suffixes() -> tuple[str, ...]:
    """The suffixes of model files that can be loaded."""
    return tuple(suffix for suffix in _MODULES if suffix != ".py")


def load(path: Path) -> LoadedModel:
    """Load a model file by its suffix. Raises what `Format.load` does."""
    module = cast(Format, import_module(f"model_runner.formats.{_MODULES[path.suffix]}"))
    return module.load(path)
