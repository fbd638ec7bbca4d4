"""Model folders of every format, made by their own libraries from one small seeded data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from model_runner.checking.check import check_model
from model_runner.checking.report import Report
from model_runner.formats import load
from model_runner.model import LoadedModel
from model_runner.schema.schema import Feature, InputSchema, Kind
from tests.support.models import write_test_rows

CITIES = ("aachen", "bonn", "ulm")
MIXED_ROWS: list[dict[str, Any]] = [
    {"size": 0.5, "city": "bonn", "new": True},
    {"size": None, "city": "ulm", "new": False},
    {"size": -1.0, "city": None, "new": True},
    {"size": 2.0, "city": "aachen", "new": False},
]
"""Numbers, text and truth, with missing values."""


def mixed_frame(rows: int = 300) -> pd.DataFrame:
    """Columns size (numbers, some missing), city (categories) and new (bool), and the target y of 0 and 1."""
    rng = np.random.default_rng(5)
    size = rng.normal(size=rows)
    city = rng.choice(CITIES, rows)
    y = ((size > 0) ^ (city == "bonn")).astype(int)
    size[::10] = np.nan
    return pd.DataFrame({"size": size, "city": pd.Categorical(city), "new": rng.random(rows) > 0.5, "y": y})


def as_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows of MIXED_ROWS as the libraries take them."""
    frame = pd.DataFrame(rows).astype({"size": float, "new": bool})
    return frame.assign(city=pd.Categorical(frame["city"], categories=CITIES))


def numeric_schema(*names: str) -> InputSchema:
    return InputSchema(features=tuple(Feature(name=name, kind=Kind.NUMERIC) for name in names), source="tidegate.toml")


def answers_of(model: LoadedModel, rows: Sequence[dict[str, Any]], schema: InputSchema | None = None) -> list[Any]:
    """What a model answers in this process, by this schema or its own."""
    own = model.own_features()
    if schema is None and own is not None:
        schema = InputSchema(features=own, source="model")
    return model.bind(schema)(rows)


def load_answers(path: Path, rows: Sequence[dict[str, Any]], schema: InputSchema | None = None) -> list[Any]:
    """The same, of a file."""
    return answers_of(load(path), rows, schema)


def served(folder: Path, rows: Sequence[dict[str, Any]], expected: Sequence[Any] | None = None) -> Report:
    """What a runner process of its own answers to these test rows."""
    write_test_rows(folder, rows, expected)
    return check_model(folder, name="tested")
