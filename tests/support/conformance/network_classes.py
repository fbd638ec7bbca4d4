"""Networks as people write them, in a module of its own beside the training script."""

import torch
from torch import nn


class Linear(nn.Linear):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    pass


class Layers(nn.Sequential):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    pass


class Convolution(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    def __init__(self) -> None:
        super().__init__()
        self.sweep, self.sum = nn.Conv1d(1, 3, 2), nn.Linear(9, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.sum(torch.relu(self.sweep(x.unsqueeze(1))).flatten(1))


class Recurrent(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.sum = nn.GRU(1, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.sum(self.cell(x.unsqueeze(-1))[0][:, -1])


class Attention(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.sum = nn.Linear(1, 6), nn.Linear(24, 1)
        self.look = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.sum(self.look(self.wide(x.unsqueeze(-1))).flatten(1))


class Named(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    def __init__(self) -> None:
        super().__init__()
        self.mean, self.spread = nn.Linear(4, 1), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"mean": self.mean(x).squeeze(1), "spread": self.spread(x).exp()}


class Labels(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where there is no PyTorch
    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scores(x).argmax(1)
