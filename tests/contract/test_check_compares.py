"""At every deployment what is served is held against the model itself; what cannot be is said."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from model_runner.checking.check import check_model
from model_runner.checking.report import Report
from model_runner.errors import ModelError
from model_runner.folder.schema_source import seal_inputs
from model_runner.serving.loading import load_and_warm
from model_runner.wire.client import RunnerClient
from tests.support.conformance.checking import compared
from tests.support.models import EXAMPLE, write_classifier, write_test_rows
from tests.support.readiness import wait_ready
from tests.support.runners import runner

ODD = '''
from random import random


class Odd:
    """Answers by what it is told."""

    n_features_in_ = 2

    def __init__(self, way):
        self.way = way

    def predict(self, x):
        if self.way == "unit":  # what pandas keeps of a DataFrame beside its values, and no request has
            return [row * {"kg": 1.0, "": 1000.0}[x.attrs.get("unit", "")] for row in x["a"]]
        if self.way == "random":
            return [random() for _ in range(len(x))]
        if self.way == "shown" and len(x.attrs):  # what is served has none
            raise ValueError("the unit is not known")
        if self.way == "shown":
            return x["a"].tolist()
        if self.way == "mean":
            return (x["a"] - x["a"].mean()).tolist()
        if self.way == "count":
            return [float(len(x))] * len(x)
        raise KeyError("nothing")
'''
ROWS: list[dict[str, Any]] = [{"a": 1.0, "b": 0.5}, {"a": 2.0, "b": 0.5}, {"a": 9.0, "b": 0.5}]


def _odd(folder: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    name = f"odd_{way}"
    (folder / f"{name}.py").write_text(ODD)
    monkeypatch.syspath_prepend(folder)
    joblib.dump(__import__(name).Odd(way), folder / "model.joblib")
    (folder / "tidegate.toml").write_text(f'name = "odd"\n[scan]\nallow = ["{name}.Odd"]\n')
    return folder


def _compared(report: Report) -> str:
    return next(stage.detail for stage in report.stages if stage.name == "compare")


def test_a_row_that_is_served_otherwise_refuses_the_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _odd(tmp_path / "m", "unit", monkeypatch)
    frame = pd.DataFrame(ROWS)
    frame.attrs["unit"] = "kg"
    frame.to_parquet(folder / "reference.parquet")
    with pytest.raises(ModelError) as raised:
        check_model(folder)
    assert raised.value.stage == "compare"
    said = str(raised.value)
    assert said.startswith("reference.parquet: row 0: served 1000.0, the model itself answers 1.0"), said
    assert "[features]" in said
    assert "predict.py" in said


def test_answers_that_depend_on_other_rows_are_given_to_each_request_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _odd(tmp_path / "m", "mean", monkeypatch)
    write_test_rows(folder, ROWS, expected=[-3.0, -2.0, 5.0])
    report = check_model(folder)
    assert _compared(report) == (
        "3 rows as the model itself answers them; an answer depends on the rows beside it, so requests are predicted "
        "one by one"
    )
    seal_inputs(folder, report.inputs)

    async def ask(socket: Path) -> list[Any]:
        await wait_ready(socket, 20)
        client = RunnerClient(socket)
        replies = await asyncio.gather(*[client.predict(rows) for rows in ([ROWS[0]], ROWS, [ROWS[2]]) * 5])
        await client.close()
        return [reply.predictions for reply in replies]

    with runner(folder, tmp_path) as process:
        assert asyncio.run(ask(process.socket)) == [[0.0], [-3.0, -2.0, 5.0], [0.0]] * 5


def test_a_model_of_chance_is_served_and_said_not_to_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _odd(tmp_path / "m", "random", monkeypatch)
    write_test_rows(folder, ROWS)
    assert _compared(check_model(folder)) == "not compared: the model answers the same rows otherwise each time"


def test_a_script_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text("def predict(rows):\n    return [row['a'] for row in rows]\n")
    write_test_rows(tmp_path, ROWS)
    report = check_model(tmp_path, name="script")
    assert _compared(report) == "3 rows asked again, together and alone: the same answers"


def test_what_answers_no_row_at_all_does_not_go_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _odd(tmp_path / "m", "never", monkeypatch)
    with pytest.raises(ModelError, match=r"answers no row at all: .*nothing") as raised:
        load_and_warm(folder, time.perf_counter)
    assert "Put a real one into test_data.json" in raised.value.fix
    # A logarithm refuses the plainest row, 0, and no other.
    sure = tmp_path / "sure"
    sure.mkdir()
    model = FunctionTransformer(np.log, validate=True).fit([[1.0]])
    regression = LinearRegression().fit(model.transform([[1.0], [2.0]]), [1.0, 2.0])
    joblib.dump(make_pipeline(model, regression), sure / "model.joblib")
    with np.errstate(divide="ignore"):
        assert load_and_warm(sure, time.perf_counter).inputs.schema is not None


def test_a_model_that_fails_when_it_is_asked_plainly_does_not_go_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _odd(tmp_path / "m", "shown", monkeypatch)
    frame = pd.DataFrame(ROWS)
    frame.attrs["unit"] = "kg"
    frame.to_parquet(folder / "reference.parquet")
    with pytest.raises(ModelError) as raised:
        check_model(folder)
    assert raised.value.stage == "compare"
    said = str(raised.value)
    assert said.startswith(
        "reference.parquet: row 0: served 1.0, but asked by itself the model fails: ValueError: the unit is not known"
    ), said
    assert "notebook" in raised.value.fix


def test_a_model_that_answers_no_row_alone_does_not_go_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serving = load_and_warm(_odd(tmp_path / "m", "count", monkeypatch), time.perf_counter)
    rows = [{"x0": 0.0, "x1": float(number)} for number in range(3)]
    predict = serving.predict

    def fails_alone(some: Any) -> list[Any]:
        if len(some) == 1:
            raise ValueError("a row alone has no spread")
        return predict(some)

    with pytest.raises(ModelError, match=r"row 0: answered among others, and not alone: .*no spread") as raised:
        compared(replace(serving, predict=fails_alone), rows, predict(rows))
    assert raised.value.stage == "compare"


def test_rows_that_fail_together_alone_are_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serving = load_and_warm(_odd(tmp_path / "m", "count", monkeypatch), time.perf_counter)
    rows = [{"x0": 0.0, "x1": float(number)} for number in range(3)]
    own = serving.own.answers

    def failing(some: Any, start: int | None) -> list[Any]:
        if len(some) == 3:
            raise ValueError("three are a crowd")
        return own(some, start)

    monkeypatch.setattr(serving.own, "answers", failing)
    with pytest.raises(ModelError, match=r"rows 0 to 2 together, though none of its halves: served, but .*crowd"):
        compared(serving, rows, serving.predict(rows))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("with_reference", [True, False])
def test_rows_with_nulls_are_no_reason_to_refuse(tmp_path: Path, library: str, with_reference: bool) -> None:
    frame = pd.DataFrame({"a": np.arange(60.0), "n": np.arange(60) % 5, "b": np.arange(60) % 2 == 0})
    kind = getattr(__import__(library), {"xgboost": "XGBRegressor", "lightgbm": "LGBMRegressor"}[library])
    joblib.dump(kind(n_estimators=3).fit(frame, frame["a"] + 9 * frame["b"]), tmp_path / "model.joblib")
    if with_reference:
        frame.to_parquet(tmp_path / "reference.parquet")
    rows: list[dict[str, Any]] = [{"a": 3.0, "n": 1, "b": True}, {"a": None, "n": None, "b": None}]
    write_test_rows(tmp_path, rows)
    serving = load_and_warm(tmp_path, time.perf_counter)
    assert compared(serving, rows, serving.predict(rows)).detail == "2 rows as the model itself answers them"


def test_without_pandas_it_is_said_that_nothing_was_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_classifier(tmp_path / "m")
    monkeypatch.setattr("model_runner.serving.own_answers.find_spec", lambda _: None)
    serving = load_and_warm(folder, time.perf_counter)
    assert "has no pandas" in serving.notes[0]
    found = compared(serving, [EXAMPLE], serving.predict([EXAMPLE]))
    assert found.rows == 0
    assert found.detail == "1 rows asked again, together and alone: the same answers"


def test_what_has_no_row_is_said_not_to_be_compared(tmp_path: Path) -> None:
    serving = load_and_warm(write_classifier(tmp_path / "m"), time.perf_counter)
    assert compared(serving, [], []).detail.startswith("nothing was compared: there is no row")
