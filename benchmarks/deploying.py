"""A small model with many features and its reference, deployed to a running stack as a user does it."""

from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.support.models import write_test_rows
from tests.support.stack import RunningStack

NAME = "benchmark"
FEATURES = tuple(f"feature_{index:02}" for index in range(20))
SEED = 11
REFERENCE_ROWS = 2000


def rows(count: int, seed: int) -> list[dict[str, float]]:
    """From the distribution that the model was trained on."""
    values = np.random.default_rng(seed).normal(size=(count, len(FEATURES))).round(6).tolist()
    return [dict(zip(FEATURES, row, strict=True)) for row in values]


def deploy_regression(stack: RunningStack, folder: Path, more_toml: str = "") -> str:
    """A logistic regression over 20 numbers, live when this returns; its name."""
    folder.mkdir(parents=True)
    reference = rows(REFERENCE_ROWS, SEED)
    x = np.array([list(row.values()) for row in reference])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, x[:, 0] + x[:, 1] > 0)
    joblib.dump(model, folder / "model.joblib")
    declared = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    (folder / "tidegate.toml").write_text(f'name = "{NAME}"\n[features]\n{declared}{more_toml}')
    lines = [",".join(FEATURES), *(",".join(map(str, row.values())) for row in reference)]
    (folder / "reference.csv").write_text("\n".join(lines) + "\n")
    write_test_rows(folder, reference[:2])
    stack.tidegate("deploy", str(folder))
    return NAME
