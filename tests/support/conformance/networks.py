"""Networks of PyTorch, behind the interface of the others: trained a little, saved in each of PyTorch's ways."""

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.conformance import data

_MODULE = "conformance_network"
_SOURCE = Path(__file__).parent / "network_classes.py"
NETWORKS = {
    "Linear": "Linear(4, 1)",
    "several outputs": "Linear(4, 3)",
    "double precision": "Layers(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)).double()",
    "normalisation and dropout": (
        "Layers(nn.BatchNorm1d(4), nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.LayerNorm(8), nn.Linear(8, 1))"
    ),
    "probabilities": "Layers(nn.Linear(4, 3), nn.Softmax(1))",
    "one number without an axis": "Layers(nn.Linear(4, 1), nn.Flatten(0))",
    "convolution": "Convolution()",
    "recurrent": "Recurrent()",
    "attention": "Attention()",
    "outputs with names": "Named()",
    "labels": "Labels()",
}
"""By what is particular, how each is made within the module of their classes."""
_WEIGHTS = """\
import torch
from {module} import *


def load(folder):
    network = {made}
    network.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    return network.eval()


def predict(network, rows):
    x = torch.tensor([list(row.values()) for row in rows], dtype=next(network.parameters()).dtype)
    with torch.inference_mode():
        found = network(x)
    if isinstance(found, dict):
        return [{{name: each[row] for name, each in found.items()}} for row in range(len(rows))]
    return list(found.reshape(len(rows), -1).squeeze(1))
"""


class Network:
    """A module that takes all features as one matrix."""

    def __init__(self, name: str) -> None:
        self.made = NETWORKS[name]

    def data(self, y: Any) -> data.Data:
        return data.table(y, named=True)

    def fit(self, x: Any, y: Any) -> "Network":
        import torch

        torch.manual_seed(5)
        self.module = eval(self.made, vars(_classes()))  # noqa: S307 - our own text
        dtype = next(self.module.parameters()).dtype
        self.x, target = torch.tensor(x.to_numpy(), dtype=dtype), torch.tensor(y, dtype=dtype)
        steps = torch.optim.SGD(self.module.parameters(), lr=1e-4)
        for _ in range(3):
            found = self.module(self.x)
            found = found["mean"] if isinstance(found, dict) else found
            if not found.requires_grad:  # labels
                break
            (found.reshape(len(x), -1)[:, 0] - target).square().mean().backward()
            steps.step()
        self.module.eval()
        return self

    def predict(self, asked: Any) -> Any:
        import torch

        with torch.inference_mode():
            found = self.module(torch.tensor(asked.to_numpy(), dtype=self.x.dtype))
        if not isinstance(found, dict):
            return found.numpy()
        lists = {name: each.tolist() for name, each in found.items()}
        return np.array([{name: each[row] for name, each in lists.items()} for row in range(len(asked))], dtype=object)

    def save(self, folder: Path, suffix: str) -> None:
        import torch

        rows = torch.export.Dim("rows")
        if suffix == "pt2":
            program = torch.export.export(self.module, (self.x,), dynamic_shapes=({0: rows},))
            torch.export.save(program, folder / "model.pt2")
        elif suffix == "script":
            torch.jit.save(torch.jit.script(self.module), folder / "model.pt")
        else:
            (folder / f"{_MODULE}.py").write_text(_SOURCE.read_text())
            torch.save(self.module if suffix == "module" else self.module.state_dict(), folder / "model.pt")
        if suffix == "weights":
            (folder / "predict.py").write_text(_WEIGHTS.format(module=_MODULE, made=self.made))
        del sys.modules[_MODULE]  # who loads it has the folder alone


def _classes() -> types.ModuleType:
    """As a training script imports them from a file beside it: pickles name that file."""
    spec = importlib.util.spec_from_file_location(_MODULE, _SOURCE)
    assert spec is not None
    assert spec.loader is not None
    found = sys.modules[_MODULE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
