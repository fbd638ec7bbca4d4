"""LightGBM's text files and pickles are answered as LightGBM itself answers."""

import pickle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from model_runner.errors import ModelError
from model_runner.formats import load
from tests.support.model_files import (
    CITIES,
    MIXED_ROWS,
    answers_of,
    as_frame,
    load_answers,
    mixed_frame,
    numeric_schema,
    served,
)
from tests.support.models import training_data

ROWS: list[dict[str, Any]] = [{"a": 0.5, "b": -0.25, "c": 1.0}, {"a": -2.0, "b": None, "c": 0.0}]
MATRIX = np.array([[0.5, -0.25, 1.0], [-2.0, np.nan, 0.0]])
ABC = numeric_schema("a", "b", "c")
SETTINGS: dict[str, Any] = {"n_estimators": 8, "num_leaves": 7, "verbose": -1, "random_state": 0, "n_jobs": 1}


def test_a_file_is_served_with_categories_and_missing_values(tmp_path: Path) -> None:
    frame = mixed_frame()
    model = lightgbm.LGBMClassifier(**SETTINGS).fit(frame[["size", "city", "new"]], frame["y"])
    model.booster_.save_model(tmp_path / "model.txt")
    # Beside a model.txt, requirements.txt is no second model.
    (tmp_path / "requirements.txt").write_text("lightgbm\n")
    report = served(tmp_path, MIXED_ROWS)
    wanted = model.predict_proba(as_frame(MIXED_ROWS))[:, 1]
    assert [answer["score"] for answer in report.test_predictions] == pytest.approx(wanted.tolist())
    assert [answer["class"] for answer in report.test_predictions] == (wanted > 0.5).astype(int).tolist()
    assert report.info.task == "classification"
    assert "LightGBM" in report.info.model
    own = load(tmp_path / "model.txt").own_features()
    assert own is not None
    assert [feature.name for feature in own] == ["size", "city", "new"]
    assert own[1].categories == CITIES


def test_many_classes_and_labels_of_text(tmp_path: Path) -> None:
    x, _ = training_data()
    labels = np.array(["high", "low", "mid"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0)]
    model = lightgbm.LGBMClassifier(**SETTINGS).fit(x, labels)
    model.booster_.save_model(tmp_path / "model.txt")
    found = load_answers(tmp_path / "model.txt", ROWS, ABC)
    assert [answer["score"] for answer in found] == pytest.approx(model.predict_proba(MATRIX).max(axis=1).tolist())
    named = model.predict(MATRIX).tolist()
    assert [["high", "low", "mid"][answer["class"]] for answer in found] == named, "a file has no labels, only numbers"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    assert [answer["class"] for answer in load_answers(tmp_path / "model.pkl", ROWS, ABC)] == named


def test_a_regression_and_its_pickled_booster(tmp_path: Path) -> None:
    x, _ = training_data()
    model = lightgbm.LGBMRegressor(**SETTINGS).fit(x, x[:, 0])
    model.booster_.save_model(tmp_path / "model.lgb")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model.booster_))
    for name in ("model.lgb", "model.pkl"):
        loaded = load(tmp_path / name)
        assert loaded.task == "regression"
        assert [feature.name for feature in loaded.own_features() or ()] == ["Column_0", "Column_1", "Column_2"]
        assert answers_of(loaded, ROWS, ABC) == pytest.approx(model.booster_.predict(MATRIX).tolist())


def test_text_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("Notes about the model.\n")
    with pytest.raises(ModelError, match=r"model\.txt: is no model of LightGBM .* Save it with booster\.save_model"):
        load(tmp_path / "model.txt")


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_that_end_lightgbms_process_are_named_before_it_reads_them(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "model.txt"
    path.write_text("tree\nversion=v4\nnum_class=1\n", newline=line_end)

    with pytest.raises(ModelError, match=r"model\.txt: has the line ends of Windows.*\*\.txt -text"):
        load(path)
