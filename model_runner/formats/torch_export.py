"""PyTorch's exported programs (`torch.export.save`), which bring their network along and run no code of Python's."""

from pathlib import Path
from typing import Any

import torch

from model_runner.errors import ModelError
from model_runner.formats.torch import Network
from model_runner.model import Predict
from model_runner.schema.schema import Feature, InputSchema


class Program:
    """An exported program in memory."""

    task = "other"

    def __init__(self, program: Any, file: str) -> None:
        self.native = program.module()
        self._file = file
        names = program.graph_signature.user_inputs
        values = [node.meta.get("val") for node in program.graph.nodes if node.name in names]
        self._shapes = [tuple(getattr(value, "shape", ())) for value in values]
        self._network = self._matrix_network(values[0].dtype) if [len(shape) for shape in self._shapes] == [2] else None

    @property
    def description(self) -> str:
        return f"PyTorch {torch.__version__} exported program"

    def own_features(self) -> tuple[Feature, ...] | None:
        return None if self._network is None else self._network.own_features()

    def bind(self, schema: InputSchema | None) -> Predict:
        if self._network is not None:
            return self._network.bind(schema)
        raise ModelError(
            self._file,
            f"takes {len(self._shapes)} inputs of the shapes {self._shapes}, and not one matrix (rows, features)",
            "Export a module that takes one matrix, or add a predict.py with predict(model, rows)",
        )

    def _matrix_network(self, dtype: Any) -> Network:
        """A size that may vary is no int."""
        rows, columns = (size if isinstance(size, int) else None for size in self._shapes[0])
        return Network(self.native, columns, rows, dtype)


def load(path: Path) -> Program:
    """Load a `.pt2` file.

    Raises:
        ModelError: it is none.
    """
    try:
        return Program(torch.export.load(path), path.name)
    except RuntimeError as error:
        fix = "Save it with torch.export.save, by the version of PyTorch in requirements.txt; a state dict is a .pt"
        raise ModelError(path.name, f"is no exported program of PyTorch {torch.__version__}", fix) from error
