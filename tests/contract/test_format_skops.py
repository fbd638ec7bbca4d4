"""skops files: served like the estimator, and refused by name where they hold what skops does not trust."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from model_runner.errors import ModelError
from model_runner.formats import load
from tests.support.model_files import served
from tests.support.models import EXAMPLE, classifier, training_data


@pytest.fixture
def skops_io() -> Any:
    """Half a second to import: for whoever runs these tests, and not for all who collect them."""
    return import_module("skops.io")


class Homemade(LogisticRegression):  # type: ignore[misc]
    """An estimator of nobody's library."""


def test_a_pipeline_of_scikit_learn_s_own_parts_is_served(skops_io: Any, tmp_path: Path) -> None:
    skops_io.dump(classifier(), tmp_path / "model.skops")
    report = served(tmp_path, [EXAMPLE])
    wanted = classifier().predict_proba([list(EXAMPLE.values())])[0, 1]
    assert report.test_predictions == [{"class": "UP", "score": pytest.approx(wanted)}]


def test_types_that_nobody_knows_are_named_and_what_is_advised_helps(skops_io: Any, tmp_path: Path) -> None:
    skops_io.dump(make_pipeline(Homemade()).fit(*training_data()), tmp_path / "model.skops")
    with pytest.raises(ModelError) as raised:
        load(tmp_path / "model.skops")
    for text in ("model.skops", "does not trust", "test_format_skops.Homemade", "model.joblib"):
        assert text in str(raised.value)
    advice = re.search(r"write (\[scan\]) (allow = .*) into tidegate.toml", raised.value.fix)
    assert advice is not None
    (tmp_path / "tidegate.toml").write_text(f"{advice[1]}\n{advice[2]}\n")
    assert load(tmp_path / "model.skops").task == "classification"


def test_what_the_scan_knows_is_taken_though_skops_alone_would_not(skops_io: Any, tmp_path: Path) -> None:
    x, y = training_data()
    model = make_pipeline(HistGradientBoostingClassifier(max_iter=3), memory=joblib.Memory(None)).fit(x, y)
    skops_io.dump(model, tmp_path / "model.skops")
    assert skops_io.get_untrusted_types(file=tmp_path / "model.skops")
    assert load(tmp_path / "model.skops").native.predict(x[:5]).tolist() == model.predict(x[:5]).tolist()


def test_a_distribution_is_not_taken(skops_io: Any, tmp_path: Path) -> None:
    """Its state is executed, and may be anything."""
    skops_io.dump({"C": stats.norm}, tmp_path / "model.skops")
    with pytest.raises(ModelError, match=r"scipy\.stats\._continuous_distns\.norm_gen"):
        load(tmp_path / "model.skops")
