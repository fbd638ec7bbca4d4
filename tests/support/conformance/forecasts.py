"""Models of statsmodels, behind the interface that the other libraries have; they are served by a `predict.py`."""

import importlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.support.conformance import data

_LOAD = """\
import pandas as pd
from statsmodels.iolib.smpickle import load_pickle


def load(folder):
    return load_pickle(str(folder / "results.pickle"))


"""
OF_ROWS = f"""{_LOAD}def predict(model, rows):
    return model.predict(pd.DataFrame(rows)).tolist()
"""
OF_STEPS = f"""{_LOAD}def predict(model, rows):  # each a number of steps ahead
    ahead = model.forecast(max(int(row["steps"]) for row in rows))
    return [ahead.iloc[int(row["steps"]) - 1] for row in rows]
"""


class Regression:
    """A model of rows: `predict` takes a DataFrame."""

    script = OF_ROWS

    def __init__(self, module: str, name: str, **options: Any) -> None:
        self._model = getattr(importlib.import_module(f"statsmodels.{module}"), name)
        self._options = options

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's
        return {}

    def fit(self, x: Any, y: Any) -> "Regression":
        self.results = self._model(y, x, **self._options).fit()
        return self

    def predict(self, asked: Any) -> Any:
        return self.results.predict(asked)

    def data(self, y: Any) -> data.Data:
        return data.table(y, named=True)

    def save(self, folder: Path, _suffix: str) -> None:
        # As `results.save` does, which some of them lack.
        (folder / "results.pickle").write_bytes(pickle.dumps(self.results))
        (folder / "predict.py").write_text(self.script)


class Formula(Regression):
    """A regression whose terms are written down."""

    def __init__(self) -> None:
        super().__init__("formula.api", "ols", formula="y ~ load * price + np.log(age)")

    def fit(self, x: Any, y: Any) -> "Formula":
        self.results = self._model(data=x.assign(y=y), **self._options).fit()
        return self


class Forecast(Regression):
    """A model of a series: asked for a number of steps ahead."""

    script = OF_STEPS

    def data(self, y: Any) -> data.Data:
        return data.ahead(y)

    def fit(self, x: Any, y: Any) -> "Forecast":  # noqa: ARG002 - a series has no rows
        series = pd.Series(np.asarray(y), pd.date_range("2026-01-01", periods=len(y)))
        self.results = self._model(series, **self._options).fit()
        return self

    def predict(self, asked: Any) -> Any:
        ahead = self.results.forecast(int(asked["steps"].max()))
        return ahead.iloc[asked["steps"].to_numpy(dtype=int) - 1]
