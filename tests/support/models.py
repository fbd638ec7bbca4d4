"""Small model folders for tests; each is fitted in milliseconds with a fixed seed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = ("price", "demand", "transfer")
EXAMPLE: dict[str, Any] = {"price": 0.5, "demand": -0.25, "transfer": 1.0}

PLAIN = """\
import math


def predict(rows):
    ups = [1 / (1 + math.exp(-row["price"] - row["demand"])) for row in rows]
    return [{"class": "UP" if up > 0.5 else "DOWN", "score": max(up, 1 - up)} for up in ups]
"""


def training_data(rows: int = 400) -> tuple[Any, Any]:
    """Shape (rows, 3) and (rows,)."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(rows, 3))
    y = np.where(x[:, 0] + x[:, 1] > 0, "UP", "DOWN")
    return x, y


def classifier() -> Any:
    """A fitted pipeline over a matrix without names."""
    x, y = training_data()
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)


def write_classifier(folder: Path, toml: str | None = None, name: str = "market") -> Path:
    """A folder with a joblib model, its features declared, and test rows."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(classifier(), folder / "model.joblib")
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    (folder / "tidegate.toml").write_text(toml or f'name = "{name}"\n[features]\n{features}')
    write_test_rows(folder, [EXAMPLE])
    return folder


def write_plain(folder: Path, toml: str | None = None, name: str = "market", load_s: float = 0.0) -> Path:
    """As `write_classifier`, but a `predict.py` without a library: a fifth of the CPU of a process that loads it.

    For tests of what is done with a version, whatever kind of model it is.

    Args:
        load_s: seconds that it takes to load, where something is to come meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waits = f"import time\n\ntime.sleep({load_s})\n" if load_s else ""
    (folder / "predict.py").write_text(waits + PLAIN)
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    (folder / "tidegate.toml").write_text(toml or f'name = "{name}"\n[features]\n{features}')
    write_test_rows(folder, [EXAMPLE])
    return folder


def write_test_rows(folder: Path, rows: Sequence[dict[str, Any]], expected: Sequence[Any] | None = None) -> None:
    content: Any = {"instances": list(rows)} if expected is None else {"instances": rows, "expected": expected}
    (folder / "test_data.json").write_text(json.dumps(content))


BEHAVING = """from tests.support.behaviour import act


def predict(rows):
    return [act(row["act"], rows=len(rows)) for row in rows]
"""


def write_behaving(folder: Path) -> Path:
    """A folder whose model answers how many rows it was asked at once, or does what the feature `act` says.

    tests/support/behaviour.py has what that may be; the process that loads it must be able to import `tests`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predict.py").write_text(BEHAVING)
    (folder / "tidegate.toml").write_text('name = "behaving"\n[features]\nact = "numeric"\nvalue = "numeric"\n')
    return folder
