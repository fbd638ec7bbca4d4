"""The estimators of each library, as their authors test them: small, and with what they cannot do without."""

import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from tests.support.conformance.forecasters import SKTIME, OfProphet, OfSktime
from tests.support.conformance.forecasts import Forecast, Formula, Regression
from tests.support.conformance.networks import NETWORKS, Network

LIBRARIES = {
    "scikit-learn": "sklearn",
    "XGBoost": "xgboost",
    "LightGBM": "lightgbm",
    "CatBoost": "catboost",
    "imbalanced-learn": "imblearn",
    "category_encoders": "category_encoders",
    "statsmodels": "statsmodels",
    "Prophet": "prophet",
    "sktime": "sktime",
    "PyTorch": "torch",
}
"""By the name that people know, the module."""


@dataclass(frozen=True)
class Estimator:
    """One way to make one."""

    name: str
    make: Callable[[], Any]


def is_installed(library: str) -> bool:
    return find_spec(LIBRARIES[library]) is not None


def estimators(library: str) -> Iterator[Estimator]:
    """All that it exports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from _OF[LIBRARIES[library]]()


def _of_sklearn() -> Iterator[Estimator]:
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances

    for name, kind in all_estimators():
        for number in range(len(_constructed(_construct_instances, kind))):
            make = partial(_nth, _construct_instances, kind, number)
            yield Estimator(name if not number else f"{name} {number + 1}", make)


def _nth(construct: Callable[[Any], Any], kind: Any, number: int) -> Any:
    return _constructed(construct, kind)[number]


def _constructed(construct: Callable[[Any], Any], kind: Any) -> list[Any]:
    try:
        return list(construct(kind))
    except Exception:  # wants something that nobody can make up
        return []


def _of_xgboost() -> Iterator[Estimator]:
    import xgboost

    for kind in (xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRFClassifier, xgboost.XGBRFRegressor):
        yield Estimator(kind.__name__, partial(kind, n_estimators=4))


def _of_lightgbm() -> Iterator[Estimator]:
    import lightgbm

    for kind in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor):
        yield Estimator(kind.__name__, partial(kind, n_estimators=4, min_child_samples=5, verbose=-1))


def _of_catboost() -> Iterator[Estimator]:
    catboost = importlib.import_module("catboost")
    for kind in (catboost.CatBoostClassifier, catboost.CatBoostRegressor):
        made = partial(kind, iterations=4, verbose=0, allow_writing_files=False, thread_count=1)
        yield Estimator(kind.__name__, made)


def _of_imblearn() -> Iterator[Estimator]:
    for name, kind in importlib.import_module("imblearn.utils.testing").all_estimators():
        if name not in {"SMOTENC", "Pipeline"}:  # want to be told of columns, of steps
            yield Estimator(name, partial(_small, kind))


def _small(kind: Any) -> Any:
    """Of few members: skops takes minutes to read 500 trees."""
    made = kind()
    return made.set_params(n_estimators=3) if "n_estimators" in made.get_params() else made


def _of_category_encoders() -> Iterator[Estimator]:
    encoders: dict[str, Any] = vars(importlib.import_module("category_encoders"))
    for name, kind in sorted(encoders.items()):
        if isinstance(kind, type) and name.endswith("Encoder"):
            make: Any = kind
            yield Estimator(name, partial(make, cols=["city"]))


def _of_statsmodels() -> Iterator[Estimator]:
    poisson = importlib.import_module("statsmodels.api").families.Poisson()
    module = "regression.linear_model"
    yield Estimator("OLS", partial(Regression, module, "OLS"))
    yield Estimator("GLM", partial(Regression, "genmod.generalized_linear_model", "GLM", family=poisson))
    yield Estimator("QuantReg", partial(Regression, "regression.quantile_regression", "QuantReg"))
    yield Estimator("RLM", partial(Regression, "robust.robust_linear_model", "RLM"))
    yield Estimator("ExponentialSmoothing", partial(Forecast, "tsa.holtwinters", "ExponentialSmoothing", trend="add"))
    yield Estimator("ARIMA", partial(Forecast, "tsa.arima.model", "ARIMA", order=(1, 0, 0)))
    yield Estimator("AutoReg", partial(Forecast, "tsa.ar_model", "AutoReg", lags=2))
    yield Estimator("OLS by a formula", Formula)
    smoothed: dict[str, Any] = {"error": "add", "seasonal": "add", "seasonal_periods": 7}
    yield Estimator("ETSModel", partial(Forecast, "tsa.exponential_smoothing.ets", "ETSModel", **smoothed))
    yield Estimator("SARIMAX", partial(Forecast, "tsa.statespace.sarimax", "SARIMAX", seasonal_order=(1, 0, 0, 7)))
    yield Estimator("UnobservedComponents", partial(Forecast, "tsa.api", "UnobservedComponents", level="rwalk"))
    yield Estimator("ThetaModel", partial(Forecast, "tsa.forecasting.theta", "ThetaModel", period=7))
    arima = importlib.import_module("statsmodels.tsa.arima.model").ARIMA
    yield Estimator("STLForecast", partial(Forecast, "tsa.forecasting.stl", "STLForecast", model=arima, period=7))


def _of_prophet() -> Iterator[Estimator]:
    yield Estimator("linear growth", OfProphet)
    yield Estimator("flat growth, multiplicative", partial(OfProphet, growth="flat", seasonality_mode="multiplicative"))
    yield Estimator("logistic growth", partial(OfProphet, growth="logistic"))
    yield Estimator("a regressor", partial(OfProphet, regressor="price"))
    yield Estimator("a country's holidays", partial(OfProphet, country="DE"))


def _of_sktime() -> Iterator[Estimator]:
    yield from (Estimator(name, partial(OfSktime, name)) for name in SKTIME)


def _of_torch() -> Iterator[Estimator]:
    yield from (Estimator(name, partial(Network, name)) for name in NETWORKS)


_OF: dict[str, Callable[[], Iterator[Estimator]]] = {
    "sklearn": _of_sklearn,
    "xgboost": _of_xgboost,
    "lightgbm": _of_lightgbm,
    "catboost": _of_catboost,
    "imblearn": _of_imblearn,
    "category_encoders": _of_category_encoders,
    "statsmodels": _of_statsmodels,
    "prophet": _of_prophet,
    "sktime": _of_sktime,
    "torch": _of_torch,
}
