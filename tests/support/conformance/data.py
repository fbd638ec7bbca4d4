"""Rows to fit and to ask, all from one seed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

ROWS = 90
ASKED = 12
NAMES = ("hour", "load", "price", "age")
CITIES = ("aachen", "bonn", "ulm")
WORDS = ("late", "cheap", "loud", "kind", "broken", "warm")


@dataclass(frozen=True)
class Data:
    """What an estimator is fitted on, and the first of its rows again, as callers send them."""

    x: Any
    """A DataFrame, an array, or a list of texts."""
    y: Any
    asked: Any
    """As `x`."""
    instances: list[dict[str, Any]]


def frame() -> pd.DataFrame:
    """Positive numbers: some estimators take no others."""
    rng = np.random.default_rng(7)
    return pd.DataFrame({name: rng.gamma(2.0, 1.0, ROWS).round(3) + 0.01 for name in NAMES})


def with_city(numbers: pd.DataFrame) -> pd.DataFrame:
    return numbers.assign(city=[CITIES[index % 3] for index in range(len(numbers))])


def texts() -> list[str]:
    rng = np.random.default_rng(8)
    return [" ".join(rng.choice(WORDS, 5)) for _ in range(ROWS)]


def labels(kind: str) -> Any:
    """Two classes as text, three as integers that do not begin at 0, or truth; `codes` are 0, 1, 2."""
    numbers = frame()
    score = numbers["load"] + numbers["price"]
    if kind == "text":
        return np.where(score > score.median(), "yes", "no").astype(object)
    if kind == "bool":
        return (score > score.median()).to_numpy()
    thirds = np.digitize(score, score.quantile([0.33, 0.66]))
    return thirds if kind == "codes" else np.array([2, 3, 7])[thirds]


def numbers_to_learn(outputs: int = 1) -> Any:
    numbers = frame()
    y = (numbers["load"] * 2 + numbers["age"]).to_numpy()
    return y if outputs == 1 else np.column_stack([y, numbers["price"].to_numpy()])


def table(y: Any, *, named: bool, city: bool = False, columns: int = len(NAMES)) -> Data:
    """Rows of numbers, with a city beside them where asked."""
    x = frame().iloc[:, :columns]
    x = with_city(x) if city else x
    asked = x.head(ASKED)
    instances = asked.to_dict(orient="records")
    if named:
        return Data(x, y, asked, instances)
    return Data(x.to_numpy(), y, asked.to_numpy(), instances)


def documents(y: Any) -> Data:
    x = texts()
    return Data(x, y, x[:ASKED], [{"text": text} for text in x[:ASKED]])


def ahead(y: Any) -> Data:
    """A series, and numbers of steps after it."""
    asked = pd.DataFrame({"steps": [5, *range(1, ASKED)]})
    return Data(None, y, asked, asked.to_dict(orient="records"))


def on_days(y: Any) -> Data:
    """A series with a price beside it, and days within and after it."""
    days = pd.date_range("2026-01-01", periods=len(y) + ASKED).strftime("%Y-%m-%d")
    prices = [float(number % 5) for number in range(len(days))]
    rows = pd.DataFrame({"ds": days, "price": prices})
    asked = rows.iloc[-ASKED:].reset_index(drop=True)
    return Data(rows.head(len(y)), y, asked, asked.to_dict(orient="records"))
