"""What is served of an estimator is what its `predict` answers: for every kind of output, way of feeding and label."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from model_runner.formats.sklearn import SklearnModel
from model_runner.schema.manner import Fed, Manner
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind
from tests.support.model_files import numeric_schema

ABC = numeric_schema("a", "b", "c")
TEXT = InputSchema(features=(Feature(name="text", kind=Kind.CATEGORICAL, holds=Holds.STRING),), source="reference.csv")
X = np.random.default_rng(3).normal(size=(120, 3))
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
MANY = (X > 0).astype(int)
ROWS: list[dict[str, Any]] = [dict(zip("abc", map(float, row), strict=True)) for row in X[:40]]


def _served(estimator: Any, schema: InputSchema, rows: Sequence[dict[str, Any]]) -> list[Any]:
    model = SklearnModel(estimator)
    return model.bind_as(schema, model.settle(schema, rows[:1]))(rows)


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        DecisionTreeClassifier(max_depth=2),
        RandomForestClassifier(n_estimators=5, random_state=0),
        make_pipeline(StandardScaler(), MLPClassifier(3, max_iter=20, random_state=0)),
        SVC(),
        CalibratedClassifierCV(SVC(), cv=2, method="isotonic"),
        OneVsRestClassifier(SGDClassifier(loss="modified_huber", random_state=0)),
        SGDClassifier(loss="hinge", random_state=0),
        RidgeClassifier(),
        VotingClassifier([("a", DecisionTreeClassifier(max_depth=1)), ("b", LogisticRegression())], voting="soft"),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("labels", [["low", "mid", "high"], [10, 20, 30], [0.0, 1.0, 2.0]], ids=["str", "int", "float"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_class_is_that_of_predict_and_the_score_is_its_own(classifier: Any, labels: list[Any]) -> None:
    classifier.fit(X, np.array(labels)[LABELS])
    found = _served(classifier, ABC, ROWS)
    wanted = classifier.predict(X[:40]).tolist()
    assert [answer["class"] for answer in found] == wanted
    assert {type(answer["class"]) for answer in found} == {type(labels[0])}
    if hasattr(classifier, "predict_proba"):
        columns = [classifier.classes_.tolist().index(label) for label in wanted]
        scores = classifier.predict_proba(X[:40])[range(40), columns]
        assert [answer["score"] for answer in found] == pytest.approx(scores.tolist())
    else:
        assert {answer["score"] for answer in found} == {None}


def test_a_threshold_decides_and_booleans_stay_booleans() -> None:
    truth = X[:, 0] > 0
    fixed = FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label=True).fit(X, truth)
    found = _served(fixed, ABC, ROWS)
    wanted = fixed.predict(X[:40]).tolist()
    assert [answer["class"] for answer in found] == wanted
    assert wanted != (fixed.predict_proba(X[:40])[:, 1] > 0.5).tolist()
    assert {type(answer["class"]) for answer in found} == {bool}


def test_a_tie_and_saturated_probabilities_are_decided_by_predict() -> None:
    model = LogisticRegression().fit(X, LABELS > 0)
    model.coef_, model.intercept_ = np.array([[1e-18, 0.0, 0.0]]), np.array([0.0])
    tie = {"a": 1.0, "b": 0.0, "c": 0.0}
    assert model.predict_proba([[1.0, 0.0, 0.0]]).tolist() == [[0.5, 0.5]]
    answer = _served(model, ABC, [tie])
    assert answer == [{"class": True, "score": 0.5}], "the arg-max of a tie would be the first class"
    wide = OneVsRestClassifier(LogisticRegression()).fit(X, LABELS)
    for number, each in enumerate(wide.estimators_):
        each.coef_, each.intercept_ = np.array([[0.0, 0.0, 0.0]]), np.array([50.0 + number])
    assert _served(wide, ABC, [tie])[0]["class"] == wide.predict([[1.0, 0.0, 0.0]])[0] == 2


class _Contrary(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Somebody's own class, which answers otherwise than its probabilities say."""

    def predict(self, x: Any) -> Any:
        return self.classes_[::-1][self.predict_proba(x).argmax(axis=1)]


def test_a_class_of_ones_own_is_asked_itself() -> None:
    model = _Contrary().fit(X, LABELS)
    assert [answer["class"] for answer in _served(model, ABC, ROWS)] == model.predict(X[:40]).tolist()


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier(4, max_iter=30, random_state=0),
        MultiOutputClassifier(LogisticRegression()),
        ClassifierChain(LogisticRegression()),
        RandomForestClassifier(n_estimators=5, random_state=0),
        OneVsRestClassifier(LogisticRegression()),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_labels_are_a_list_a_row(model: Any) -> None:
    model.fit(X, MANY)
    assert _served(model, ABC, ROWS) == model.predict(X[:40]).tolist()


def test_sparse_labels_are_a_list_a_row() -> None:
    model = OneVsRestClassifier(LogisticRegression()).fit(X, sparse.csr_matrix(MANY))
    wanted = model.predict(X[:40])
    assert sparse.issparse(wanted)
    assert _served(model, ABC, ROWS) == wanted.toarray().tolist()


@pytest.mark.parametrize(
    "model",
    [
        KMeans(n_clusters=3, n_init=1, random_state=0),
        IsolationForest(n_estimators=5, random_state=0),
        GaussianMixture(n_components=2, random_state=0),
        LinearRegression(),
    ],
    ids=lambda each: type(each).__name__,
)
def test_clusters_outliers_components_and_numbers_are_bare(model: Any) -> None:
    model.fit(X, X[:, 0])
    assert _served(model, ABC, ROWS) == pytest.approx(model.predict(X[:40]).tolist())


@pytest.mark.parametrize(
    "read",
    [
        TfidfVectorizer(),
        HashingVectorizer(n_features=64),
        FeatureUnion([("words", TfidfVectorizer()), ("letters", TfidfVectorizer(analyzer="char"))]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_text_model_reads_its_one_column(read: Any) -> None:
    texts = ["a calm place", "cold and rude", "lovely calm food", "late and cold"] * 5
    search = GridSearchCV(make_pipeline(read, LogisticRegression()), {"logisticregression__C": [1.0, 2.0]}, cv=2)
    search.fit(texts, [1, 0, 1, 0] * 5)
    model = SklearnModel(search)
    assert [(each.name, each.holds, each.nullable) for each in model.own_features() or ()] == [
        ("text", Holds.STRING, False)
    ]
    manner = model.settle(TEXT, [{"text": texts[0]}])
    assert manner.fed is Fed.SERIES
    found = model.bind_as(TEXT, manner)([{"text": text} for text in texts])
    assert [answer["class"] for answer in found] == search.predict(texts).tolist()


class _ByName(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """As in most books: takes a DataFrame, and notes nothing of it."""

    def fit(self, x: Any, y: Any = None) -> "_ByName":  # noqa: ARG002 - scikit-learn's signature
        self.fitted_ = True
        return self

    def transform(self, x: Any) -> Any:
        return pd.DataFrame({"ratio": x["a"] / (1 + x["b"].abs()), "c": x["c"]})


class _ByPosition(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The same of an array."""

    def fit(self, x: Any, y: Any = None) -> "_ByPosition":  # noqa: ARG002 - as above
        self.fitted_ = True
        return self

    def transform(self, x: Any) -> Any:
        return x[:, :2] * 2


def test_a_first_step_of_ones_own_gets_what_it_was_fitted_on() -> None:
    frame = pd.DataFrame(X, columns=list("abc"))
    for step, x, fed in ((_ByName(), frame, Fed.FRAME), (_ByPosition(), X, Fed.MATRIX)):
        model = make_pipeline(step, LinearRegression()).fit(x, X[:, 0])
        assert SklearnModel(model).settle(ABC, ROWS[:1]).fed is fed
        assert _served(model, ABC, ROWS) == pytest.approx(model.predict(x[:40]).tolist())


def test_what_takes_columns_for_rows_is_not_believed() -> None:
    class Rows(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def predict(self, x: Any) -> list[float]:
            return [float(len(row)) for row in x]  # of a DataFrame these are its columns' names

    three = [{"aa": 1.0, "bb": 2.0, "cc": 3.0}]
    schema = numeric_schema("aa", "bb", "cc")
    assert SklearnModel(Rows()).settle(schema, three).fed is Fed.MATRIX
    assert _served(Rows(), schema, three) == [3.0]


def test_where_no_way_goes_each_is_named() -> None:
    class Broken(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def predict(self, x: Any) -> Any:
            raise RuntimeError(f"no {type(x).__name__}")

    with pytest.raises(
        ValueError, match=r"a DataFrame: RuntimeError: no DataFrame; a matrix by position: .*no ndarray"
    ):
        SklearnModel(Broken()).settle(ABC, ROWS[:1])


def test_without_a_proof_predict_is_asked() -> None:
    asked: list[int] = []

    class Counting(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
        def predict(self, x: Any) -> Any:
            asked.append(len(x))
            return super().predict(x)

    Counting.__module__, Counting.__name__ = "sklearn.linear_model._logistic", "LogisticRegression"
    model = SklearnModel(Counting().fit(X, LABELS))
    model.bind_as(ABC, Manner(fed=Fed.MATRIX, likeliest=True))(ROWS)
    assert asked == []
    model.bind_as(ABC, Manner(fed=Fed.MATRIX))(ROWS)
    assert asked == [40]
