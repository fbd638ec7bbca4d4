"""Columns of type `category`, and names that a library rewrote, within searches, pipelines and calibrations."""

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_runner.formats.pickled import wrapped
from model_runner.formats.sklearn import SklearnModel
from model_runner.schema.manner import Fed
from model_runner.schema.renamed import matched
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

NAMES = ("my size", "home town", "zip [code]")
SCHEMA = InputSchema(
    features=(
        Feature(name="my size", kind=Kind.NUMERIC, dtype="float64"),
        Feature(name="home town", kind=Kind.CATEGORICAL, holds=Holds.STRING),
        Feature(name="zip [code]", kind=Kind.NUMERIC, dtype="int64"),
    ),
    source="reference.csv",
)
"""As a CSV tells it, which has no categories."""
LIGHT = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)
XG = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True, n_jobs=1)
HIST = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=10)


@pytest.fixture(scope="module")
def frame() -> Any:
    rng = np.random.default_rng(8)
    town, code = rng.choice(["aachen", "bonn", "ulm"], 200), rng.choice([10, 20, 35], 200)
    columns = [rng.normal(size=200), pd.Categorical(town), pd.Categorical(code)]
    return pd.DataFrame(dict(zip(NAMES, columns, strict=True)))


def _target(frame: Any) -> Any:
    return ((frame["my size"] > 0) ^ (frame["home town"] == "bonn") ^ (frame.iloc[:, 2] == 20)).astype(int)


@pytest.mark.parametrize(
    "estimator",
    [
        GridSearchCV(LIGHT, {"num_leaves": [7]}, cv=2),
        CalibratedClassifierCV(XG, cv=2),
        make_pipeline(HIST),
        VotingClassifier([("light", LIGHT), ("hist", HIST)], voting="soft"),
        make_pipeline(
            make_column_transformer((StandardScaler(), ["my size"]), remainder="passthrough").set_output(
                transform="pandas"
            ),
            LIGHT,
        ),
        LIGHT,
        XG,
    ],
    ids=["search", "calibration", "pipeline", "vote", "after a transformer", "lightgbm", "xgboost"],
)
@pytest.mark.filterwarnings("ignore:Found whitespace")
def test_they_are_answered_as_the_model_answers_them(estimator: Any, frame: Any) -> None:
    trained = frame.rename(columns={"zip [code]": "zip _code_"})  # as XGBoost wants it
    estimator.fit(trained, _target(frame))
    rows = frame.astype({"home town": object, "zip [code]": int}).to_dict("records")[:30]
    model = wrapped(estimator, "model.pkl")
    predict = model.bind_as(SCHEMA, model.settle(SCHEMA, rows[:1])) if isinstance(model, SklearnModel) else None
    found = (predict or model.bind(SCHEMA))(rows)
    assert [answer["class"] for answer in found] == estimator.predict(trained[:30]).tolist()
    scores = estimator.predict_proba(trained[:30])[:, 1]
    assert [answer["score"] for answer in found] == pytest.approx(scores.tolist(), rel=1e-5)


def test_a_model_file_alone_names_its_categories(frame: Any) -> None:
    model = SklearnModel(GridSearchCV(XG, {"max_depth": [2]}, cv=2).fit(frame.iloc[:, :2], _target(frame)))
    own = model.own_features() or ()
    assert [(each.name, each.categories) for each in own] == [("my size", None), NAMES_OF_TOWNS]
    schema = InputSchema(features=own, source="model")
    manner = model.settle(schema, [{"my size": 0.5, "home town": None}])
    assert manner.fed is Fed.CATEGORIES
    unseen = model.bind_as(schema, manner)([{"my size": 0.5, "home town": town} for town in ("the moon", None)])
    assert unseen[0] == unseen[1], "an unseen category is a missing value"


NAMES_OF_TOWNS = ("home town", ("aachen", "bonn", "ulm"))


def test_names_are_matched_where_that_is_certain() -> None:
    assert matched(["my_size", "x"], ["x", "my size"]) == ["my size", "x"]
    assert matched(["price_EUR_", "n_1"], ["price [EUR]", "n<1", "rest"]) == ["price [EUR]", "n<1"]
    assert matched(["a_b"], ["a b", "a-b"]) is None
    assert matched(["a_b", "a b"], ["a b", "c"]) is None
    assert matched(["größe_m"], ["größe m"]) == ["größe m"]
    assert matched(["lost"], ["a b"]) is None
