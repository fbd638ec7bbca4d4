"""What is said of a model that another version of its library saved."""

import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
import xgboost
from packaging.version import Version
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_runner.formats import load
from model_runner.serving.saved_by import heard

X = np.random.default_rng(2).normal(size=(50, 2))


def _notes(path: Path) -> list[str]:
    with heard(path) as notes:
        load(path)
    return notes


@pytest.mark.parametrize("file", ["model.joblib", "model.skops"])
@pytest.mark.parametrize("version", ["1.5.2", "99.0"])
def test_another_scikit_learn_is_said_once_with_both_numbers_and_the_line_to_write(
    file: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 0)
    save: Any = joblib.dump if file.endswith("joblib") else skops.io.dump
    save(model, tmp_path / file)
    assert _notes(tmp_path / file) == []

    with monkeypatch.context() as patched:
        patched.setattr("sklearn.base.__version__", version)
        save(model, tmp_path / file)
    (note,) = _notes(tmp_path / file)
    assert note.startswith(f"saved by scikit-learn {version}, served by 1.")
    assert note.endswith(f"write scikit-learn=={version} into requirements.txt")

    (tmp_path / "requirements.txt").write_text("scikit-learn\n")
    assert _notes(tmp_path / file)[0].endswith("in place of any")


def test_scikit_learn_of_before_numpy_2_wants_that_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sklearn.base.__version__", "1.2.2")
    joblib.dump(LogisticRegression().fit(X, X[:, 0] > 0), tmp_path / "model.joblib")
    monkeypatch.undo()
    (note,) = _notes(tmp_path / "model.joblib")
    assert note.endswith("write scikit-learn==1.2.2 and numpy<2 into requirements.txt")


@pytest.mark.parametrize("file", ["model.ubj", "model.json", "model.joblib"])
def test_another_xgboost_is_said(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    booster = xgboost.train({}, xgboost.DMatrix(X, X[:, 0]), 1)
    if path.suffix == ".joblib":
        joblib.dump(booster, path)
    else:
        booster.save_model(path)
    assert _notes(path) == []

    now = Version(xgboost.__version__).release
    ubj, json = (b"".join(b"i%c" % number for number in now), b"[%d,%d,%d]" % now)
    path.write_bytes(path.read_bytes().replace(ubj, b"i\x01i\x07i\x06").replace(json, b"[1,7,6]"))
    (note,) = _notes(path)
    assert note.startswith(f"saved by XGBoost 1.7.6, served by {xgboost.__version__}")
    assert note.endswith("write xgboost==1.7.6 into requirements.txt")


def test_other_warnings_are_still_given(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="of somebody else"), heard(tmp_path / "model.joblib"):
        warnings.warn("of somebody else", stacklevel=1)
