"""How Tidegate loads and asks this model: model.pt holds weights alone, so somebody must build the network."""

from pathlib import Path
from typing import Any

import torch
from net import FEATURES, DemandNet


def load(folder: Path) -> DemandNet:
    net = DemandNet()
    net.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    return net.eval()


def predict(model: DemandNet, rows: list[dict[str, Any]]) -> list[float]:
    nan = float("nan")
    x = [[nan if row[name] is None else row[name] for name in FEATURES] for row in rows]
    with torch.inference_mode():
        return model(torch.tensor(x, dtype=torch.float32)).tolist()
