"""Model folders whose answers depend on the types of their columns, with the rows and the model's own answers."""

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

STEPS = '''"""Steps of the pipelines, beside the model."""


def as_text(frame):
    return frame.astype(str)


def hours(frame):
    return frame.apply(lambda column: column.dt.hour)


def codes(frame):
    return frame.apply(lambda column: column.cat.codes)
'''


@dataclass(frozen=True)
class Typed:
    """A folder, rows as callers send them, and what the model itself answers to its training's frame of them."""

    name: str
    rows: list[dict[str, Any]]
    answers: list[float]


def imported_steps(folder: Path, patch: pytest.MonkeyPatch) -> Any:
    """The module of STEPS as the training would have it: pickles name it."""
    script = folder / "steps.py"
    script.write_text(STEPS)
    spec = importlib.util.spec_from_file_location("steps", script)
    assert spec is not None
    assert spec.loader is not None
    steps = importlib.util.module_from_spec(spec)
    patch.setitem(sys.modules, "steps", steps)
    spec.loader.exec_module(steps)
    return steps


def onehot(columns: list[str], *steps: Any) -> Any:
    encode = make_pipeline(*steps, OneHotEncoder(handle_unknown="ignore"))
    return make_pipeline(make_column_transformer((encode, columns), remainder="passthrough"), LinearRegression())


def write(
    folder: Path, model: Any, frame: pd.DataFrame, save: Callable[[pd.DataFrame, Path], object], toml: str = ""
) -> Typed:
    """Rows are the first twenty of the frame, by way of JSON."""
    folder.mkdir(parents=True)
    (folder / "steps.py").write_text(STEPS)
    joblib.dump(model, folder / "model.joblib")
    save(frame, folder)
    (folder / "tidegate.toml").write_text(f'name = "{folder.name}"\n{toml}')
    head = frame.head(20)
    rows = json.loads(head.to_json(orient="records", date_format="iso", double_precision=15))
    answers = model.predict(head[list(model.feature_names_in_)])
    return Typed(folder.name, rows, np.asarray(answers, dtype=float).tolist())


def csv(frame: pd.DataFrame, folder: Path) -> None:
    frame.to_csv(folder / "reference.csv", index=False)


def parquet(frame: pd.DataFrame, folder: Path) -> None:
    frame.to_parquet(folder / "reference.parquet")


def european(frame: pd.DataFrame, folder: Path) -> None:
    frame.to_csv(folder / "reference.csv", index=False, sep=";", decimal=",", encoding="utf-16")


def write_typed(root: Path, steps: Any) -> list[Typed]:
    """One folder of each kind; `steps` is the module of STEPS."""
    rng = np.random.default_rng(8)
    n = 400
    price = rng.normal(10, 2, n).round(2)
    store = pd.DataFrame({"store": rng.integers(1, 6, n), "price": price})
    ids = pd.DataFrame({"device": rng.choice([2**53, 2**53 + 1, 2**62 + 1, 7], n), "price": price})
    codes = pd.DataFrame({"zip": rng.choice(["01067", "04109", "12E4"], n), "shift": rng.choice(["06:00", "14:00"], n)})
    codes = codes.assign(price=price)
    digits = pd.DataFrame({"code": rng.choice(["1", "2", "3"], n), "price": price})
    times = pd.DataFrame(
        {"at": pd.date_range("2026-01-01", periods=n, freq="37min", tz="Europe/Berlin"), "price": price}
    )
    grades = pd.Categorical(rng.choice(["low", "mid", "high"], n), categories=["low", "mid", "high"], ordered=True)
    graded = pd.DataFrame({"grade": grades, "price": price})

    def worth(frame: pd.DataFrame) -> Any:
        first = frame.iloc[:, 0].astype(str).astype("category").cat.codes
        return first * 37.0 + frame["price"]

    def fitted(frame: pd.DataFrame, *steps: Any) -> Any:
        columns = [name for name in frame.columns if name != "price"]
        return onehot(columns, *steps).fit(frame, worth(frame))

    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(store, (store["price"] > 10).astype(int))
    beside = store.assign(bought=(store["price"] > 10).astype(int), day=date(2026, 1, 31)).sample(
        frac=1, random_state=1
    )
    text, hours, ordered = (FunctionTransformer(step) for step in (steps.as_text, steps.hours, steps.codes))
    return [
        write(root / "whole-csv", fitted(store, text), store, csv),
        write(root / "ids-csv", fitted(ids), ids, csv),
        write(root / "ids-parquet", fitted(ids, text), ids, parquet),
        write(root / "codes-csv", fitted(codes), codes, csv),
        write(root / "codes-european", fitted(codes), codes, european),
        write(root / "digits-csv", fitted(digits), digits, csv),
        write(root / "times-parquet", fitted(times, hours), times, parquet),
        write(root / "grades-parquet", fitted(graded, ordered), graded, parquet),
        write(root / "beside-parquet", plain, beside, parquet),
    ]
