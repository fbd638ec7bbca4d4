"""PyTorch: TorchScript, whole modules and state dicts in `.pt`. A module takes a matrix of all features as float32.

A state dict and TorchScript are loaded without running code of Python's; a whole module is a pickle, which does.
"""

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from model_runner.errors import ModelError
from model_runner.formats.answers import per_row
from model_runner.formats.columns import numeric_feature, numeric_matrix
from model_runner.formats.fixed_batch import in_pieces
from model_runner.model import LoadedModel, Predict
from model_runner.schema.schema import Feature, InputSchema


class Network:
    """A module in memory.

    Args:
        module: anything that is called with a tensor.
        features: how many columns the tensor has; None where nobody knows.
        batch: how many rows; None for any number.
        dtype: of the tensor.
    """

    def __init__(
        self, module: Any, features: int | None = None, batch: int | None = None, dtype: Any = torch.float32
    ) -> None:
        self.native = module
        self._features = features
        self._batch = batch
        self._dtype = dtype

    @property
    def description(self) -> str:
        name = getattr(self.native, "original_name", type(self.native).__name__)
        return f"PyTorch {torch.__version__} {name}"

    task = "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        return None if self._features is None else tuple(numeric_feature(f"x{i}") for i in range(self._features))

    def bind(self, schema: InputSchema | None) -> Predict:
        build = numeric_matrix(None, self._features, schema)

        def predict(rows: Any) -> list[Any]:
            with torch.inference_mode():
                return per_row(self.native(torch.from_numpy(build(rows)).to(self._dtype)), len(rows))

        return in_pieces(predict, self._batch)


class StateDict:
    """Weights without a network, which only a `predict.py` can serve."""

    description = f"PyTorch {torch.__version__} state dict"
    task = "other"

    def __init__(self, weights: Any, file: str) -> None:
        self.native = weights
        self._file = file

    def own_features(self) -> tuple[Feature, ...] | None:
        return None

    def bind(self, schema: InputSchema | None) -> Predict:  # noqa: ARG002 - the protocol's signature
        raise ModelError(
            self._file,
            f"it holds a {type(self.native).__name__}: weights without the network that they belong to",
            "Add a predict.py whose load(folder) builds the network and calls "
            f"load_state_dict(torch.load(folder / {self._file!r}, weights_only=True)), and predict(model, rows); "
            "or save the network with torch.export.save as model.pt2",
        )


def load(path: Path) -> LoadedModel:
    """Load a `.pt` file, without running code where it needs none.

    Raises:
        ModelError: it is an exported program under a wrong name.
    """
    names = _members(path)
    if any(name.endswith("/constants.pkl") for name in names):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript as such
            return network(torch.jit.load(path, map_location="cpu"))
    if any(name.endswith("archive_format") for name in names):
        raise ModelError(path.name, "is an exported program", f"Rename it to {path.stem}.pt2")
    found = _unpickled(path)
    return network(found) if isinstance(found, torch.nn.Module) else StateDict(found, path.name)


def _members(path: Path) -> list[str]:
    """Files within the file; none where it is of PyTorch before 1.6."""
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        # A whole module, or no pickle at all. The runner is the process in which a model's code may run.
        return torch.load(path, map_location="cpu", weights_only=False)


def network(module: Any) -> Network:
    """A module, ready to predict, in the precision of its weights."""
    module.eval()
    types = [weights.dtype for weights in module.parameters() if weights.dtype.is_floating_point]
    return Network(module, dtype=types[0] if types else torch.float32)
