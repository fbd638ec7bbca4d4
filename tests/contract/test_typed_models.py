"""Whole numbers, long ids, codes, times and ordered categories, served as the model itself answers."""

import json
from pathlib import Path

import pytest

from model_runner.checking.check import check_model
from tests.support.typed_models import imported_steps, write_typed


def test_each_is_answered_as_the_model_itself_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, str] = {}
    for model in write_typed(tmp_path / "models", imported_steps(tmp_path, monkeypatch)):
        folder = tmp_path / "models" / model.name
        (folder / "test_data.json").write_text(json.dumps(model.rows))
        report = check_model(folder)
        found = [each["class"] if isinstance(each, dict) else each for each in report.test_predictions]
        assert found == pytest.approx(model.answers), model.name
        said[model.name] = "; ".join(stage.detail for stage in report.stages)
    assert all("420 rows as the model itself answers them" in each for each in said.values())
    assert "bought (the target: its values are the model's classes)" in said["beside-parquet"]
    assert "day (the model was not fitted on it)" in said["beside-parquet"]
    assert "__index_level_0__ (the index of pandas)" in said["beside-parquet"]
    assert "UTF-16; its columns are separated by semicolons; its numbers have decimal commas" in said["codes-european"]
