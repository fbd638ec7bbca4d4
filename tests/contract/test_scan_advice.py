"""What a refusal of the scan advises, followed: it leads to a deployment."""

import importlib
import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from model_runner.checking.check import check_model
from model_runner.errors import ModelError

X = np.arange(1.0, 21.0).reshape(10, 2)


def _write(folder: Path, model: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    (folder / "test_data.json").write_text(json.dumps([{"a": 1.0, "b": 2.0}]))
    return folder


def _refusal(folder: Path) -> ModelError:
    with pytest.raises(ModelError) as raised:
        check_model(folder, name="advised")
    assert raised.value.stage == "scan"
    return raised.value


def test_a_name_that_is_not_on_the_list_can_be_allowed(tmp_path: Path) -> None:
    model = LinearRegression().fit(X, X[:, 0])
    model.spread = statistics.NormalDist()
    folder = _write(tmp_path, model)
    advice = re.search(r"write (\[scan\]) (allow = \[.*\]) into tidegate.toml", _refusal(folder).fix)
    assert advice is not None
    (folder / "tidegate.toml").write_text(f"{advice[1]}\n{advice[2]}\n")
    assert check_model(folder, name="advised").test_predictions == [pytest.approx(1.0)]


def test_a_function_saved_by_its_code_can_be_put_into_a_file_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As cloudpickle begins what it writes of a lambda.
    folder = _write(tmp_path / "before", LinearRegression())
    (folder / "model.joblib").write_bytes(b"\x80\x04\x8c\x17cloudpickle.cloudpickle\x8c\x0e_make_function\x93)R.")
    fix = _refusal(folder).fix
    assert "Define it with def or class in a file beside the model, such as steps.py" in fix
    assert "save the model with joblib.dump" in fix

    after = tmp_path / "after"
    after.mkdir()
    (after / "steps.py").write_text("def doubled(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(after)
    steps = importlib.import_module("steps")
    model = make_pipeline(FunctionTransformer(steps.doubled), LinearRegression()).fit(X, X[:, 0])
    _write(after, model)
    monkeypatch.delitem(sys.modules, "steps")
    assert check_model(after, name="advised").test_predictions == [pytest.approx(1.0)]
