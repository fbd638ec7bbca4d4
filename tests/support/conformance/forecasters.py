"""Forecasts of Prophet and of sktime, behind the interface of the others, and the `predict.py` that serves them."""

import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.support.conformance import data

_OF_DAYS = """\
import pandas as pd
from prophet.serialize import model_from_json


def load(folder):
    return model_from_json((folder / "prophet.json").read_text())


def predict(model, rows):
    return model.predict(pd.DataFrame(rows).assign(cap=900.0))["yhat"].tolist()
"""
_OF_STEPS = """\
def predict(model, rows):  # each a number of steps ahead
    steps = [int(row["steps"]) for row in rows]
    ahead = model.predict(fh=sorted(set(steps)))
    found = dict(zip(sorted(set(steps)), ahead.to_numpy().ravel().tolist()))
    return [found[step] for step in steps]
"""
_OF_ZIP = f"""\
from sktime.base import load as of_file


def load(folder):
    return of_file(folder / "model.zip")


{_OF_STEPS}"""


class OfProphet:
    """Asked for days, with what else it was fitted on."""

    def __init__(self, regressor: str = "", country: str = "", **options: Any) -> None:
        self.regressor, self.country, self.options = regressor, country, options

    def data(self, y: Any) -> data.Data:
        return data.on_days(y)

    def fit(self, x: Any, y: Any) -> "OfProphet":
        logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
        self.model = importlib.import_module("prophet").Prophet(**self.options)
        if self.regressor:
            self.model.add_regressor(self.regressor)
        if self.country:
            self.model.add_country_holidays(self.country)
        self.model.fit(x.assign(y=y, cap=900.0), seed=3)
        return self

    def predict(self, asked: Any) -> Any:
        return self.model.predict(asked.assign(cap=900.0))["yhat"].to_numpy()

    def save(self, folder: Path, _suffix: str) -> None:
        serialize = importlib.import_module("prophet.serialize")
        (folder / "prophet.json").write_text(serialize.model_to_json(self.model))
        (folder / "predict.py").write_text(_OF_DAYS)


class OfSktime:
    """Asked for a number of steps ahead."""

    def __init__(self, name: str) -> None:
        self.name = name

    def data(self, y: Any) -> data.Data:
        return data.ahead(y)

    def fit(self, x: Any, y: Any) -> "OfSktime":  # noqa: ARG002 - a series has no rows
        days = pd.period_range("2026-01-01", periods=len(y), freq="D")
        self.model = SKTIME[self.name]().fit(pd.Series(np.asarray(y), days))
        return self

    def predict(self, asked: Any) -> Any:
        steps = asked["steps"].to_numpy(dtype=int)
        ahead = self.model.predict(fh=np.unique(steps))
        return ahead.to_numpy()[np.searchsorted(np.unique(steps), steps)]

    def save(self, folder: Path, suffix: str) -> None:
        if suffix == "zip":
            self.model.save(folder / "model")
            (folder / "predict.py").write_text(_OF_ZIP)
        else:
            import joblib

            joblib.dump(self.model, folder / "model.joblib")
            (folder / "predict.py").write_text(_OF_STEPS)


def _named(place: str, name: str) -> Any:
    return getattr(importlib.import_module(f"sktime.{place}"), name)


def _theta() -> Any:
    return _named("forecasting.theta", "ThetaForecaster")(sp=7)


def _reduced(kind: str) -> Any:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Ridge

    made = RandomForestRegressor(5, random_state=0) if kind == "forest" else Ridge()
    return _named("forecasting.compose", "make_reduction")(made, window_length=7)


def _chained() -> Any:
    detrend = _named("transformations.series.detrend", "Detrender")()
    deseason = _named("transformations.series.detrend", "Deseasonalizer")(sp=7)
    chain = _named("forecasting.compose", "TransformedTargetForecaster")
    return chain([("season", deseason), ("trend", detrend), ("model", _reduced("ridge"))])


def _together() -> Any:
    members = [("theta", _theta()), ("naive", _named("forecasting.naive", "NaiveForecaster")("mean", window_length=5))]
    return _named("forecasting.compose", "EnsembleForecaster")(members)


SKTIME: dict[str, Callable[[], Any]] = {
    "NaiveForecaster": lambda: _named("forecasting.naive", "NaiveForecaster")("last", sp=7),
    "PolynomialTrendForecaster": lambda: _named("forecasting.trend", "PolynomialTrendForecaster")(degree=2),
    "STLForecaster": lambda: _named("forecasting.trend", "STLForecaster")(sp=7),
    "ThetaForecaster": _theta,
    "ExponentialSmoothing": lambda: _named("forecasting.exp_smoothing", "ExponentialSmoothing")(trend="add"),
    "AutoETS": lambda: _named("forecasting.ets", "AutoETS")(sp=7),
    "SARIMAX": lambda: _named("forecasting.sarimax", "SARIMAX")(order=(1, 0, 0)),
    "Croston": lambda: _named("forecasting.croston", "Croston")(smoothing=0.2),
    "make_reduction, Ridge": lambda: _reduced("ridge"),
    "make_reduction, forest": lambda: _reduced("forest"),
    "TransformedTargetForecaster": _chained,
    "EnsembleForecaster": _together,
}
"""Of those that need no other library than sktime itself."""
