"""The examples: each is trained by its script as its README says, and served by a real runner."""

import json
from pathlib import Path

import pytest

from model_runner.checking.check import check_model
from model_runner.checking.report import Report
from model_runner.schema.schema import Kind
from tests.support.example_models import trained
from tests.support.model_files import load_answers
from tests.support.pytorch import needs_torch


def _checked(example: str, folder: Path) -> Report:
    """Its test rows were answered as the training script expected."""
    report = check_model(trained(example, folder / example))
    assert report.manifest.name == example
    assert len(report.test_predictions) == 20
    assert report.reference is not None
    assert len(report.reference_predictions) == len(report.reference)
    return report


@needs_torch
def test_demand_is_pytorch_through_its_script(tmp_path: Path) -> None:
    report = _checked("demand", tmp_path)
    assert report.info.task == "regression"
    test = json.loads((tmp_path / "demand/test_data.json").read_text())
    assert test["instances"][-1]["nswprice"] is None
    assert report.test_predictions[-1] == pytest.approx(test["instances"][-1]["nswdemand"], abs=0.2)


def test_prices_is_xgboost(tmp_path: Path) -> None:
    report = _checked("prices", tmp_path)
    assert report.info.model.startswith("XGBoost")
    assert {answer["class"] for answer in report.test_predictions} == {0, 1}


def test_loans_has_categories_and_missing_values(tmp_path: Path) -> None:
    report = _checked("loans", tmp_path)
    assert report.inputs.schema is not None
    kinds = {feature.name: feature.kind for feature in report.inputs.schema.features}
    assert (kinds["income"], kinds["region"], kinds["owns_home"]) == (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)
    assert report.manifest.mask == ("age",)
    odd = {"age": 30, "income": None, "owns_home": False, "region": "the moon", "employment": None}
    answer = load_answers(tmp_path / "loans/model.joblib", [odd], report.inputs.schema)[0]
    assert 0 < answer["score"] < 1


def test_iris_is_a_model_file_and_nothing_else(tmp_path: Path) -> None:
    folder = trained("iris", tmp_path / "iris")
    assert [path.name for path in folder.iterdir()] == ["model.joblib"]
    report = check_model(folder)
    assert report.inputs.schema is not None
    assert report.inputs.schema.source == "model"
    assert "petal length (cm)" in report.inputs.schema.names
    row = dict(zip(report.inputs.schema.names, (5.1, 3.5, 1.4, 0.2), strict=True))
    assert load_answers(folder / "model.joblib", [row])[0]["class"] == "setosa"
