"""Checking a model folder as deploy does: what passes, and what each refusal says."""

import csv
import pickle
import time
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from model_runner.checking.check import check_model
from model_runner.checking.report import Stage
from model_runner.errors import ModelError
from model_runner.folder.schema_source import seal_inputs
from model_runner.serving.loading import load_and_warm
from tests.support.models import EXAMPLE, FEATURES, training_data, write_classifier, write_test_rows
from tidegate.deployer.pipeline.profiling import reference_profile


def _write_reference(folder: Path, rows: int = 1500) -> None:
    x, y = training_data(rows)
    with (folder / "reference.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FEATURES, "direction"])
        writer.writerows([*map(repr, map(float, row)), label] for row, label in zip(x, y, strict=True))


def test_a_good_folder_is_reported_with_schema_and_predictions(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path, toml='name = "market"\n[reference]\ntarget = "direction"\n')
    _write_reference(folder)
    write_test_rows(folder, [EXAMPLE], expected=["UP"])
    heard: list[Stage] = []
    report = check_model(folder, on_stage=heard.append)
    wanted = ["check", "scan", "load", "test predictions", "reference predictions", "compare"]
    assert [stage.name for stage in heard] == wanted
    assert heard[-1].detail == "1,501 rows as the model itself answers them"
    assert report.stages == tuple(heard)
    assert report.inputs.schema is not None
    assert report.inputs.schema.names == FEATURES
    assert report.inputs.schema.source == "reference.csv"
    assert report.inputs.example == EXAMPLE
    assert report.test_predictions[0]["class"] == "UP"
    assert report.reference is not None
    assert len(report.reference) == len(report.reference_predictions) == 1500
    seal_inputs(folder, report.inputs)
    (folder / "reference.csv").unlink()
    assert load_and_warm(folder, time.perf_counter).inputs == report.inputs, "a sealed folder needs no reference"


def test_another_version_and_what_nobody_tried_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sklearn.base.__version__", "1.2.2")
    folder = write_classifier(tmp_path)
    monkeypatch.undo()
    (folder / "test_data.json").unlink()
    heard: list[Stage] = []
    check_model(folder, on_stage=heard.append)
    details = {stage.name: stage.detail for stage in heard}
    assert f"saved by scikit-learn 1.2.2, served by {sklearn.__version__}" in details["load"]
    assert details["load"].endswith("write scikit-learn==1.2.2 and numpy<2 into requirements.txt")
    assert details["test predictions"].startswith("UNTESTED: there is no test_data.json and no reference")


def test_a_reference_with_timestamps_is_profiled_by_hour_of_day(tmp_path: Path) -> None:
    x, _ = training_data(2400)
    folder = write_classifier(tmp_path, toml='name = "market"\n[reference]\ntimestamp = "at"\n')
    half_hours = pd.date_range("2026-01-01", periods=2400, freq="30min")
    pd.DataFrame(x, columns=list(FEATURES)).assign(at=half_hours).to_csv(folder / "reference.csv", index=False)
    report = check_model(folder)
    assert report.inputs.schema is not None
    assert report.inputs.schema.names == FEATURES
    profile = reference_profile(report, "market", 1)
    assert profile is not None
    assert isinstance(profile.hours, tuple)
    assert [one.rows for one in profile.hours] == [100] * 24
    assert {series.name for series in profile.features} == {*FEATURES, "prediction.class", "prediction.score"}


def test_categories_and_missing_values_reach_a_model_fitted_on_a_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame({"city": ["a", "b", None, "a"] * 20, "size": [1.0, 2.0, 3.0, 4.0] * 20})
    encode = ColumnTransformer([("city", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression()).fit(frame, [0, 1, 0, 1] * 20)
    joblib.dump(model, tmp_path / "model.joblib")
    frame.to_parquet(tmp_path / "reference.parquet")
    rows: list[dict[str, Any]] = [
        {"city": "b", "size": 2.0},
        {"city": None, "size": 3},
        {"city": "never seen", "size": 1.5},
    ]
    write_test_rows(tmp_path, rows)
    report = check_model(tmp_path, name="cities")
    asked = pd.DataFrame(rows).astype({"size": float})
    assert [answer["class"] for answer in report.test_predictions] == model.predict(asked).tolist()
    scores = [answer["score"] for answer in report.test_predictions]
    assert scores == pytest.approx(model.predict_proba(asked)[:, 1].tolist())


def test_only_a_model_file_is_enough(tmp_path: Path) -> None:
    x, _ = training_data()
    joblib.dump(LinearRegression().fit(x, x[:, :2]), tmp_path / "model.joblib")
    report = check_model(tmp_path, name="bare")
    assert report.inputs.schema is not None
    assert report.inputs.schema.names == ("x0", "x1", "x2")
    assert report.inputs.schema.source == "model"
    assert report.info.task == "regression"


def _allow(folder: Path, name: str) -> None:
    toml = (folder / "tidegate.toml").read_text()
    (folder / "tidegate.toml").write_text(f'{toml}[scan]\nallow = ["{name}"]\n')


def _broken_pickle(folder: Path) -> None:
    (folder / "model.joblib").write_bytes(b"no pickle at all")


def _missing_package(folder: Path) -> None:
    (folder / "model.joblib").unlink()
    # A pickle that asks for a class of a package that nobody has.
    (folder / "model.pkl").write_bytes(b"cnotapackage.models\nBooster\n.")
    _allow(folder, "notapackage.models.Booster")


def _no_predict(folder: Path) -> None:
    joblib.dump({"weights": [1, 2]}, folder / "model.joblib")


def _dies(folder: Path) -> None:
    (folder / "model.joblib").unlink()
    (folder / "suicide.py").write_text("import os\ndef die(): os._exit(9)\n")
    (folder / "model.pkl").write_bytes(b"csuicide\ndie\n(tR.")
    _allow(folder, "suicide.die")


def _crashes(folder: Path) -> None:
    """LightGBM's own reader, on half a file."""
    (folder / "model.joblib").unlink()
    rows = np.random.default_rng(3).normal(size=(300, 3))
    text = lightgbm.train({"verbose": -1}, lightgbm.Dataset(rows, rows[:, 0]), 20).model_to_string()
    (folder / "model.txt").write_text(text[: len(text) // 2])


def _too_few_features(folder: Path) -> None:
    (folder / "tidegate.toml").write_text('[features]\nprice = "numeric"\n')
    write_test_rows(folder, [{"price": 1}])


def _as_script(folder: Path) -> None:
    """For a refusal that any model gets: by one that needs no library."""
    (folder / "model.joblib").unlink()
    (folder / "predict.py").write_text("def predict(rows):\n    return ['UP' for _ in rows]\n")


def _wrong_test_rows(folder: Path) -> None:
    _as_script(folder)
    write_test_rows(folder, [{**EXAMPLE, "price": "high"}])


def _wrong_expectation(folder: Path) -> None:
    _as_script(folder)
    write_test_rows(folder, [EXAMPLE], expected=["DOWN"])


def _unknown_mask(folder: Path) -> None:
    _as_script(folder)
    toml = (folder / "tidegate.toml").read_text()
    (folder / "tidegate.toml").write_text(toml + '[mask]\nfields = ["prize"]\n')


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_broken_pickle, ["model.joblib: cannot be loaded", "Load it once"]),
        (_missing_package, ["model.pkl", "needs the package 'notapackage'", "requirements.txt"]),
        (_no_predict, ["holds a dict", "Save the fitted estimator"]),
        (_dies, ["ended its process", "exit code 9"]),
        (_crashes, ["model.txt: ended its process", "most often the file is cut off", "save it again"]),
        (_too_few_features, ["fitted on 3 features", "from tidegate.toml has 1"]),
        (_wrong_test_rows, ["test_data.json", "instances[0].price", "expected number or null, found a string"]),
        (_wrong_expectation, ["instance 0", "expected DOWN"]),
        (_unknown_mask, ["'prize'", "price, demand, transfer"]),
    ],
)
def test_a_bad_folder_is_refused_with_the_file_and_the_fix(tmp_path: Path, spoil: object, says: list[str]) -> None:
    folder = write_classifier(tmp_path)
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(ModelError) as raised:
        check_model(folder)
    for text in says:
        assert text in str(raised.value)
    ours = str(raised.value).split("The end of its log:")[0]
    assert "Traceback" not in ours, "none of the model's own code was at work"


def test_a_model_of_another_pickle_protocol_loads(tmp_path: Path) -> None:
    x, y = training_data()
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(LogisticRegression().fit(x, y), protocol=2))
    assert check_model(tmp_path, name="old").info.task == "classification"
