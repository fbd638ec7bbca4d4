"""Good models pass the scan, and what their owner allows passes with them."""

import datetime
import functools
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.f2py
import pandas as pd
import pytest
from scipy import sparse, stats
from scipy.spatial.distance import cosine
from scipy.special import expit, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_classif, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, RationalQuadratic, WhiteKernel
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, get_scorer, get_scorer_names, make_scorer
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC

from model_runner.scan.scanning import scan_folder
from tests.support.pickles import X, Y, refusal

F1 = make_scorer(f1_score)
FAMILIES: Any = (stats._continuous_distns, stats._discrete_distns)


def _frame() -> Any:
    return pd.DataFrame({"city": ["a", "b", None] * 20, "size": np.arange(60.0)})


def _columns() -> Any:
    encode = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder="passthrough")
    return make_pipeline(encode, RandomForestClassifier(5, random_state=0)).fit(_frame(), Y)


GOOD: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y),
    "columns and a forest": _columns,
    "boosting": lambda: GradientBoostingClassifier(n_estimators=3).fit(X, Y),
    "histogram boosting": lambda: HistGradientBoostingRegressor(max_iter=3).fit(X, Y),
    "categories": lambda: HistGradientBoostingRegressor(max_iter=3, categorical_features=[0]).fit(np.abs(X), Y),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "balls": lambda: KNeighborsClassifier(algorithm="ball_tree").fit(X, Y),
    "support vectors": lambda: SVC().fit(X, Y),
    "calibrated": lambda: CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3).fit(X, Y),
    "isotonic": lambda: IsotonicRegression().fit(X[:, 0], Y),
    "gaussian process": lambda: GaussianProcessRegressor(RBF()).fit(X[:20], Y[:20]),
    "network": lambda: MLPClassifier((4,), max_iter=2000, random_state=0).fit(X, Y),
    "stochastic": lambda: SGDClassifier(random_state=0).fit(X, Y),
    "text": lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(
        ["one two", "three four"] * 5, [0, 1] * 5
    ),
    "selected": lambda: make_pipeline(SelectKBest(f_classif, k=2), LogisticRegression()).fit(X, Y),
    "log": lambda: make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()).fit(np.abs(X), Y),
    "searched": lambda: RandomizedSearchCV(
        LogisticRegression(),
        {"C": stats.uniform(0.1, 1)},
        n_iter=2,
        cv=2,
        random_state=0,
        scoring=F1,
    ).fit(X, Y),
    "columns by type": lambda: make_pipeline(
        make_column_transformer(
            (StandardScaler(), make_column_selector(dtype_include="number")),
            (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
        ),
        LogisticRegression(),
    ).fit(_frame().fillna("none"), Y),
    "splines": lambda: SplineTransformer(n_knots=4).fit(X),
    "functions as steps": lambda: make_union(
        *map(
            FunctionTransformer,
            (np.arcsinh, expit, softmax, np.cbrt, np.nan_to_num, np.fft.rfft, np.linalg.norm, np.add.reduce, abs),
        ),
        FunctionTransformer(functools.partial(np.clip, a_min=0.0, a_max=1.0)),
        FunctionTransformer(np.vectorize(math.log)),
        FunctionTransformer(pd.to_numeric),
    ),
    "tokenisers": lambda: make_union(
        CountVectorizer(tokenizer=str.split, preprocessor=str.lower, token_pattern=None),
        CountVectorizer(tokenizer=re.compile(r"\w+").findall, token_pattern=None),
        CountVectorizer(strip_accents="unicode", analyzer="char_wb"),
    ).fit(["one two", "three"]),
    "distributions of a search": lambda: RandomizedSearchCV(
        LogisticRegression(),
        {name: getattr(stats, name) for family in FAMILIES for name in family._distn_names},
    ),
    "frozen distributions": lambda: [
        stats.loguniform(1e-3, 1),
        stats.randint(1, 9),
        stats.norm(0, 1),
        stats.truncnorm(-1, 1),
        stats.rv_histogram(np.histogram(X[:, 0])),
        stats.gaussian_kde(X[:, 0]),
    ],
    "scorers": lambda: [get_scorer(name) for name in get_scorer_names()],
    "kernels and metrics as functions": lambda: [
        SVC(kernel=rbf_kernel).fit(X, Y),
        KNeighborsClassifier(metric=cosine).fit(X, Y),
        KernelPCA(kernel="precomputed"),
        SelectKBest(mutual_info_classif),
        SelectKBest(functools.partial(mutual_info_classif, random_state=0)),
        GaussianProcessRegressor(ConstantKernel() * Matern() + WhiteKernel() + RationalQuadratic() ** 2),
    ],
    "a memory": lambda: make_pipeline(StandardScaler(), LogisticRegression(), memory=joblib.Memory(None)),
    "generators": lambda: [np.random.Generator(kind(1)) for kind in (np.random.PCG64, np.random.MT19937)],
    "a dict of all kinds": lambda: {
        "frame": _frame(),
        "sparse": sparse.csr_matrix(np.eye(3)),
        "rng": np.random.default_rng(1),
        "old rng": np.random.RandomState(1),
        "when": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "objects": np.array(["a", None, 1.5], dtype=object),
        "records": np.zeros(3, dtype=[("a", "f8"), ("b", "i4", (2,))]),
        "empty": np.zeros((0, 3)),
        "scalar": np.float64(1.5),
        "times": pd.date_range("2026-01-01", periods=3),
        "categories": pd.Series(["a", "b"], dtype="category"),
    },
}


@pytest.mark.parametrize("case", GOOD)
def test_good_models_pass(case: str, tmp_path: Path) -> None:
    model = GOOD[case]()
    for number, compress in enumerate([0, 3, ("gzip", 3), ("lz4", 1)]):
        joblib.dump(model, tmp_path / f"model{number}.joblib", compress=compress)
    for protocol in (2, 4, 5):
        (tmp_path / f"model{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))
    assert len(scan_folder(tmp_path)) == 7


def test_what_the_owner_allows_passes_and_the_error_says_how(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cmypkg.models\nThing\n(tR.")
    error = refusal(tmp_path)
    assert error.problem == "names mypkg.models.Thing, which is not on the list of what models are made of"
    assert '[scan] allow = ["mypkg.models.Thing"]' in error.fix
    assert scan_folder(tmp_path, ["mypkg.models.Thing"]) == ["model.pkl"]
    assert scan_folder(tmp_path, ["mypkg.*"]) == ["model.pkl"]
    assert "mypkg" in str(refusal(tmp_path, ("mypk.*", "mypkg.models.Thin")))


def test_what_the_files_beside_the_model_define_passes_but_not_what_they_import(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    own = "from os import system\nclass Net:\n    pass\ndef log(x):\n    return x\n"
    (tmp_path / "parts" / "net.py").write_text(own)
    for name in ("Net", "log"):
        (tmp_path / "model.pkl").write_bytes(f"cparts.net\n{name}\n(tR.".encode())
        assert scan_folder(tmp_path) == ["model.pkl"]
    for name in ("system", "Other"):
        (tmp_path / "model.pkl").write_bytes(f"cparts.net\n{name}\n(tR.".encode())
        assert f"names parts.net.{name}, which is not on the list" in str(refusal(tmp_path))


def test_what_files_beside_the_model_import_is_judged_by_where_it_is_from(tmp_path: Path) -> None:
    """A ufunc is pickled by the first module that has it, which may be the model's own."""
    (tmp_path / "steps.py").write_text(
        "from numpy import log1p\nfrom os import system as log\nfrom numpy import load\n"
    )
    (tmp_path / "model.pkl").write_bytes(b"csteps\nlog1p\n.")
    assert scan_folder(tmp_path) == ["model.pkl"]
    for name in ("log", "load", "median"):
        (tmp_path / "model.pkl").write_bytes(f"csteps\n{name}\n.".encode())
        assert f"names steps.{name}, which is not on the list" in str(refusal(tmp_path))
