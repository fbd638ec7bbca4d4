"""XGBoost's files and pickles are answered as XGBoost itself answers."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from model_runner.errors import ModelError
from model_runner.formats import load
from model_runner.schema.schema import Holds, Kind
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

ROW: dict[str, Any] = {"a": 0.5, "b": -0.25, "c": 1.0}
ROWS: list[dict[str, Any]] = [ROW, {"a": -2.0, "b": None, "c": 0.0}]
MATRIX = np.array([[0.5, -0.25, 1.0], [-2.0, np.nan, 0.0]])
ABC = numeric_schema("a", "b", "c")


def _fitted(kind: Any, y: Any = None, **settings: Any) -> Any:
    x, labels = training_data()
    target = (labels == "UP").astype(int) if y is None else y(x)
    return kind(n_estimators=8, max_depth=3, random_state=0, n_jobs=1, **settings).fit(x, target)


def test_a_file_is_served_with_categories_and_missing_values(tmp_path: Path) -> None:
    frame = mixed_frame()
    model = xgboost.XGBClassifier(n_estimators=8, enable_categorical=True).fit(
        frame[["size", "city", "new"]], frame["y"]
    )
    model.save_model(tmp_path / "model.json")
    # Beside a model.json, test_data.json is no second model.
    rows = [*MIXED_ROWS, {"size": 1.0, "city": "never seen", "new": True}]
    (tmp_path / "tidegate.toml").write_text(
        '[features]\nsize = "numeric"\ncity = "categorical"\nnew = "boolean"\n', "utf-8"
    )
    report = served(tmp_path, rows)
    wanted = model.predict_proba(as_frame(MIXED_ROWS))[:, 1]
    assert [answer["score"] for answer in report.test_predictions[:4]] == pytest.approx(wanted.tolist())
    assert [answer["class"] for answer in report.test_predictions[:4]] == (wanted > 0.5).astype(int).tolist()
    unseen = model.predict_proba(as_frame([{"size": 1.0, "city": None, "new": True}]))[0, 1]
    assert report.test_predictions[4]["score"] == pytest.approx(unseen), "an unseen category counts as missing"
    assert report.info.task == "classification"
    assert "XGBoost" in report.info.model


def test_the_schema_comes_from_the_model_with_its_categories(tmp_path: Path) -> None:
    frame = mixed_frame()
    model = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True).fit(
        frame[["size", "city", "new"]], frame["y"]
    )
    model.save_model(tmp_path / "model.ubj")
    own = load(tmp_path / "model.ubj").own_features()
    assert own is not None
    assert [(feature.name, feature.kind) for feature in own] == [
        ("size", Kind.NUMERIC),
        ("city", Kind.CATEGORICAL),
        ("new", Kind.NUMERIC),
    ]
    assert (own[1].categories, own[1].holds) == (CITIES, Holds.STRING)


def test_without_names_columns_go_by_position(tmp_path: Path) -> None:
    model = _fitted(xgboost.XGBRegressor, y=lambda x: x[:, 0])
    model.save_model(tmp_path / "model.ubj")
    loaded = load(tmp_path / "model.ubj")
    assert [feature.name for feature in loaded.own_features() or ()] == ["f0", "f1", "f2"]
    assert loaded.task == "regression"
    assert answers_of(loaded, ROWS, ABC) == pytest.approx(model.predict(MATRIX).tolist())


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"objective": "multi:softprob"}, xgboost.XGBClassifier),
        ({"booster": "dart"}, xgboost.XGBClassifier),
        ({"booster": "gblinear", "verbosity": 0}, xgboost.XGBClassifier),
    ],
)
def test_every_kind_of_classifier_gives_class_and_score(tmp_path: Path, settings: dict[str, Any], kind: Any) -> None:
    settings = {key: value for key, value in settings.items() if (key, value) != ("objective", "multi:softprob")}
    classes = 2 if settings else 3
    model = _fitted(kind, y=lambda x: np.arange(len(x)) % 2 + (x[:, 0] > 1) * (classes - 2), **settings)
    model.save_model(tmp_path / "model.json")
    found = load_answers(tmp_path / "model.json", ROWS, ABC)
    scores = model.predict_proba(MATRIX)
    assert [answer["class"] for answer in found] == model.predict(MATRIX).tolist()
    assert [answer["score"] for answer in found] == pytest.approx(
        (scores[:, 1] if classes == 2 else scores.max(axis=1)).tolist()
    )


def test_many_targets_give_a_list_a_row(tmp_path: Path) -> None:
    numbers = _fitted(xgboost.XGBRegressor, y=lambda x: x[:, :2])
    numbers.save_model(tmp_path / "model.ubj")
    assert load_answers(tmp_path / "model.ubj", ROWS, ABC) == pytest.approx(numbers.predict(MATRIX), abs=1e-6)
    labels = _fitted(xgboost.XGBClassifier, y=lambda x: (x[:, :2] > 0).astype(int))
    labels.save_model(tmp_path / "model.ubj")
    assert load_answers(tmp_path / "model.ubj", ROWS, ABC) == labels.predict(MATRIX).tolist()


def test_a_booster_that_answers_classes_itself_has_no_score(tmp_path: Path) -> None:
    x, labels = training_data()
    data = xgboost.DMatrix(x, label=(labels == "UP").astype(int))
    for settings in ({"objective": "multi:softmax", "num_class": 2}, {"objective": "binary:hinge"}):
        booster = xgboost.train(settings, data, num_boost_round=4)
        booster.save_model(tmp_path / "model.ubj")
        wanted = booster.predict(xgboost.DMatrix(MATRIX)).astype(int).tolist()
        found = load_answers(tmp_path / "model.ubj", ROWS, ABC)
        assert found == [{"class": label, "score": None} for label in wanted]


def test_an_estimator_predicts_by_its_best_rounds_also_out_of_a_file(tmp_path: Path) -> None:
    x, labels = training_data()
    y = (labels == "UP").astype(int)
    noise = np.random.default_rng(1).integers(0, 2, 100)
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=2, learning_rate=1.0)
    model.fit(x[:300], y[:300], eval_set=[(x[300:], noise)], verbose=False)
    assert model.best_iteration < model.get_booster().num_boosted_rounds() - 1
    model.save_model(tmp_path / "model.ubj")
    wanted = pytest.approx(model.predict_proba(MATRIX)[:, 1].tolist())
    assert [answer["score"] for answer in load_answers(tmp_path / "model.ubj", ROWS, ABC)] == wanted
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    assert [answer["score"] for answer in load_answers(tmp_path / "model.pkl", ROWS, ABC)] == wanted


def test_pickled_estimators_and_boosters_answer_like_files(tmp_path: Path) -> None:
    model = _fitted(xgboost.XGBRegressor, y=lambda x: x[:, 0], missing=-2.0)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    assert load_answers(tmp_path / "model.pkl", ROWS[:1], ABC) == pytest.approx(model.predict(MATRIX[:1]).tolist())
    odd = np.array([[-2.0, 1.0, 1.0]])
    found = load_answers(tmp_path / "model.pkl", [{"a": -2.0, "b": 1.0, "c": 1.0}], ABC)
    assert found == pytest.approx(model.predict(odd).tolist()), "its own sign for a missing value is kept"
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model.get_booster()))
    assert load_answers(tmp_path / "model.pkl", ROWS, ABC) == pytest.approx(
        model.get_booster().inplace_predict(MATRIX).tolist()
    )


def test_json_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"layers": [1, 2]}')
    with pytest.raises(ModelError, match=r"model\.json: is no model of XGBoost .* Save it with save_model"):
        load(tmp_path / "model.json")


def test_text_for_which_the_model_has_no_number_is_refused(tmp_path: Path) -> None:
    _fitted(xgboost.XGBClassifier).save_model(tmp_path / "model.ubj")
    with pytest.raises(ModelError) as raised:
        served(tmp_path, [{**ROW, "b": "text"}])
    assert "takes a number for 'b'" in str(raised.value)
    assert "test_data.json" in str(raised.value)
