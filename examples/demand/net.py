"""The network, in a module of its own: both train.py and predict.py build it."""

import torch

FEATURES = ["period", "nswprice", "nswdemand", "nswdemand_before"]


class DemandNet(torch.nn.Module):
    """Demand in the next half-hour from FEATURES, shape (rows, 4) to (rows,).

    It keeps the mean and spread of the training data with its weights; a missing value (NaN) counts as the mean.
    """

    def __init__(self, mean: torch.Tensor | None = None, spread: torch.Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(FEATURES)) if mean is None else mean)
        self.register_buffer("spread", torch.ones(len(FEATURES)) if spread is None else spread)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(len(FEATURES), 24), torch.nn.Tanh(), torch.nn.Linear(24, 24), torch.nn.Tanh()
        )
        self.last = torch.nn.Linear(24, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = torch.nan_to_num((x - self.mean) / self.spread)
        change: torch.Tensor = self.last(self.layers(scaled)).squeeze(1)
        return scaled[:, 2] * self.spread[2] + self.mean[2] + change * self.spread[2]
