"""A model file in; a `LoadedModel` out, by the library that its suffix calls for.

A format's libraries are imported only when one of its files is loaded.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from model_runner.model import LoadedModel
from model_runner.suffixes import FORMATS


class Format(Protocol):
    """A module of this package."""

    def load(self, path: Path) -> LoadedModel:
        """Load a model file. This may run the code in it.

        Raises:
            ModelError: what is wrong with the file, where that is known.
            Exception: whatever the library or the model's own code raises.
        """


def load(path: Path) -> LoadedModel:
    """Load a model file by its suffix. Raises what `Format.load` does."""
    module = cast(Format, import_module(f"model_runner.formats.{FORMATS[path.suffix]}"))
    return module.load(path)
