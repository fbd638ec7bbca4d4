"""Lists of values are only read where the order in which the model takes its features is known."""

import time
from pathlib import Path

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from model_runner.schema.manner import Fed, Manner
from model_runner.schema.order import is_known
from model_runner.serving.loading import load_and_warm
from tests.support.models import training_data

NAMES = ("price", "demand", "transfer")


@pytest.mark.parametrize(
    ("own", "fed", "known"),
    [
        (["price", "demand", "transfer"], None, True),
        (["demand", "price", "transfer"], None, False),
        (["price", "demand"], None, False),
        (None, Fed.MATRIX, True),
        (None, Fed.LISTS, True),
        (None, None, True),
        (["x0", "x1", "x2"], Fed.MATRIX, True),
        (None, Fed.FRAME, False),
        (["price", "demand", "transfer"], Fed.FRAME, True),
    ],
)
def test_the_models_own_order_is_the_schemas(own: list[str] | None, fed: Fed | None, known: bool) -> None:
    assert is_known(NAMES, own, Manner(fed=fed)) is known


def test_one_column_has_but_one_order() -> None:
    assert is_known(("text",), None, Manner(fed=Fed.FRAME))


@pytest.mark.parametrize(
    ("declared", "named", "known"),
    [(NAMES, True, True), (NAMES[::-1], True, False), (NAMES[::-1], False, True), (NAMES, False, True)],
)
def test_a_loaded_model_says_whether_it_is_known(
    tmp_path: Path, declared: tuple[str, ...], named: bool, known: bool
) -> None:
    x, _ = training_data(50)
    model = LinearRegression().fit(pd.DataFrame(x, columns=list(NAMES)) if named else x, x[:, 0])
    joblib.dump(model, tmp_path / "model.joblib")
    features = "".join(f'{name} = "numeric"\n' for name in declared)
    (tmp_path / "tidegate.toml").write_text(f'name = "market"\n[features]\n{features}')
    schema = load_and_warm(tmp_path, time.perf_counter).inputs.schema
    assert schema is not None
    assert schema.order == (declared if known else None)


def test_a_script_reads_rows_by_name_alone(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("def predict(rows):\n    return [row['price'] for row in rows]\n")
    (tmp_path / "tidegate.toml").write_text('name = "market"\n[features]\nprice = "numeric"\n')
    schema = load_and_warm(tmp_path, time.perf_counter).inputs.schema
    assert schema is not None
    assert schema.order is None
