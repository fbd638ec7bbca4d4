"""Names of features and categories are a stranger's words: they stand in tables, alerts and webhooks."""

from pathlib import Path

import pytest

from model_runner.checking.questions import check_inputs
from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest, read_manifest
from model_runner.folder.schema_source import ModelInputs
from model_runner.schema.schema import Feature, InputSchema, Kind
from stream.alerting.text import MOST_NAME, moved_text
from stream.contracts.metrics import MovedBucket


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    (tmp_path / "predict.py").write_text("def predict(model, rows): return rows\n")
    return read_manifest(tmp_path, "market")


def _inputs(name: str) -> ModelInputs:
    return ModelInputs(InputSchema(features=(Feature(name=name, kind=Kind.NUMERIC),), source="reference.csv"), None)


@pytest.mark.parametrize("name", ["a\n✓ switch", "\x1b]52;c;aGk=\x07", "\u202eevil", "\u200b", "a\tb", "a\u3164"])
def test_a_feature_whose_name_cannot_be_shown_is_refused(manifest: Manifest, name: str) -> None:
    with pytest.raises(
        ModelError, match=r"reference\.csv: the name of the feature .* cannot be shown\. Rename"
    ) as raised:
        check_inputs(manifest, _inputs(name))

    assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", ["age", "größe (m²)", "a  b", "net\u00a0income", "年齢", "x" * 300, "e\u0301te\u0301"])
def test_ordinary_names_are_taken(manifest: Manifest, name: str) -> None:
    check_inputs(manifest, _inputs(name))


def test_a_category_moves_no_cursor_in_an_alert() -> None:
    text = moved_text(MovedBucket(label=f"\x1b[2K\r✓ all well\n{'x' * 1000}", reference=0.1, window=0.2, psi=1.0))

    assert text.isprintable()
    assert len(text) < MOST_NAME + 40
    assert text.endswith("10% → 20%")
