"""Formats of model files: which suffix is loaded by what.

A format's libraries are imported only when one of its files is loaded.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from model_runner.schema import Feature, InputSchema

Row = Mapping[str, Any]
"""One instance: values by feature name; None is a missing value."""
Predict = Callable[[Sequence[Row]], list[Any]]
"""One JSON-able prediction per row, in order."""


class LoadedModel(Protocol):
    """A model in memory."""

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
        """


class Format(Protocol):
    """A module of this package."""

    def load(self, path: Path) -> LoadedModel:
        """Load a model file. This runs the code in it."""


_MODULES = {".pkl": "model_runner.formats.sklearn", ".joblib": "model_runner.formats.sklearn"}


def suffixes() -> tuple[str, ...]:
    """The suffixes of model files that can be loaded."""
    return tuple(_MODULES)


def load(path: Path) -> LoadedModel:
    """Load a model file by its suffix. Whatever its code raises goes through."""
    module = cast(Format, import_module(_MODULES[path.suffix]))
    return module.load(path)
