"""skops files: served like the estimator, and refused by name where they hold what skops does not trust."""

from pathlib import Path

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from model_runner.errors import ModelError
from model_runner.formats import load
from tests.support.model_files import served
from tests.support.models import EXAMPLE, classifier, training_data


class Homemade(LogisticRegression):  # type: ignore[misc]
    """An estimator of nobody's library."""


def test_a_pipeline_of_scikit_learn_s_own_parts_is_served(tmp_path: Path) -> None:
    skops.io.dump(classifier(), tmp_path / "model.skops")
    report = served(tmp_path, [EXAMPLE])
    wanted = classifier().predict_proba([list(EXAMPLE.values())])[0, 1]
    assert report.test_predictions == [{"class": "UP", "score": pytest.approx(wanted)}]


def test_types_that_are_not_trusted_are_named(tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(Homemade()).fit(*training_data()), tmp_path / "model.skops")
    with pytest.raises(ModelError) as raised:
        load(tmp_path / "model.skops")
    for text in ("model.skops", "does not trust", "test_format_skops.Homemade", "model.joblib"):
        assert text in str(raised.value)
