"""Through the whole stack a caller gets what `predict` answers in the notebook, or a refusal that names the field."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from storage.clickhouse.client import connect
from tests.support.git_client import Clone, Pushed, remote_url
from tests.support.models import write_test_rows
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.typed_models import Typed, imported_steps, write_typed
from tests.support.waiting import wait_until

STEP = """
from sklearn.base import BaseEstimator, TransformerMixin


class Burden(TransformerMixin, BaseEstimator):
    def fit(self, frame, y=None):
        self.fitted_ = True
        return self

    def transform(self, frame):
        return frame.assign(burden=frame["debt"] / frame["income"])[["burden"]]
"""
POWERS = """
def load(folder): ...


def predict(model, rows):
    return [2 ** int(row["n"]) - 1 for row in rows]
"""
TYPED = {"ids-csv", "codes-european", "times-parquet", "grades-parquet"}
"""Of each way in which a type can be lost one."""
IDS = [2**53, 2**53 + 1, 2**62 + 1, 7]


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    with shared_stack.lend() as running:
        yield running


@dataclass(frozen=True)
class _Made:
    """A fitted model, what it answers to some rows, and the data that it comes with."""

    model: BaseEstimator
    rows: list[dict[str, Any]]
    wanted: list[Any]
    reference: pd.DataFrame | None = None


def _texts(_: Path) -> _Made:
    frame = pd.DataFrame({"text": ["a calm place", "cold and rude", "lovely calm food", "late, cold"] * 30})
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(frame["text"], ["good", "bad"] * 60)
    some = ["calm food", "so rude", 'two lines,\n"quoted"']
    return _Made(model, [{"text": text} for text in some], model.predict(some).tolist(), frame)


def _ids(_: Path) -> _Made:
    frame = pd.DataFrame({"device": np.tile(np.array(IDS, dtype=np.int64), 50)})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
    model.fit(frame, np.tile([10.0, 99.0, 30.0, 40.0], 50))
    return _Made(model, [{"device": each} for each in IDS], model.predict(frame[:4]).tolist(), frame)


def _own_step(folder: Path) -> _Made:
    (folder / "burden.py").write_text(STEP)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        step = __import__("burden").Burden()
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"income": rng.integers(20_000, 90_000, 200), "debt": rng.integers(1, 50_000, 200)})
    model = make_pipeline(step, StandardScaler(), LogisticRegression())
    model.fit(frame, frame["debt"] > 0.4 * frame["income"])
    return _Made(model, frame[:10].to_dict("records"), model.predict(frame[:10]).tolist(), frame)


def _threshold(_: Path) -> _Made:
    frame = pd.DataFrame(np.random.default_rng(3).normal(size=(200, 2)), columns=["a", "b"])
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label="yes")
    model.fit(frame, np.where(frame["a"] > 0, "yes", "no"))
    return _Made(model, frame[:20].to_dict("records"), model.predict(frame[:20]).tolist(), frame)


def _sparse(_: Path) -> _Made:
    x = np.random.default_rng(22).normal(size=(200, 2))
    model = OneVsRestClassifier(LogisticRegression()).fit(x, sparse.csr_matrix((x > 0).astype(int)))
    return _Made(model, [{"x0": 2.0, "x1": -2.0}, {"x0": -2.0, "x1": -2.0}], [[1, 0], [0, 0]])


@pytest.mark.parametrize("make", [_texts, _ids, _own_step, _threshold, _sparse])
def test_what_is_served_is_what_the_model_answers(
    stack: RunningStack, tmp_path: Path, make: Callable[[Path], _Made]
) -> None:
    name = make.__name__.strip("_").replace("_", "-")
    folder = tmp_path / name
    folder.mkdir()
    made = make(folder)
    joblib.dump(made.model, folder / "model.joblib")
    if made.reference is not None:
        made.reference.to_csv(folder / "reference.csv", index=False)
    done = stack.json("deploy", str(folder))
    compared = {stage["name"]: stage["detail"] for stage in done["stages"]}["compare"]
    if made.reference is None:
        assert compared.startswith("nothing was compared: there is no row")
    else:
        assert compared == f"{len(made.reference)} rows as the model itself answers them"
    url = _url(stack, name)
    answer = httpx.post(url, json={"instances": made.rows}, timeout=60).json()
    found = [each["class"] if isinstance(each, dict) else each for each in answer["predictions"]]
    assert found == (pytest.approx(made.wanted) if isinstance(made.wanted[0], float) else made.wanted)
    if make is _ids:
        _refuses_by_field(url)


def _refuses_by_field(url: str) -> None:
    for number, status in (("1" + "0" * 400, 422), (str(2**64 + 1), 422), (str(2**63), 422), ("1e400", 400)):
        refused = httpx.post(url, content=f'{{"device": {number}}}', timeout=60)
        assert refused.status_code == status, refused.text
        assert "device" in refused.json()["error"]["message"]


def test_a_whole_number_of_any_size_is_answered_and_stored_exactly(stack: RunningStack, tmp_path: Path) -> None:
    folder = tmp_path / "powers"
    folder.mkdir()
    (folder / "predict.py").write_text(POWERS)
    write_test_rows(folder, [{"n": 3}, {"n": 1022}], expected=[7, 2**1022 - 1])
    stack.json("deploy", str(folder))
    wanted = [2**n - 1 for n in (1, 70, 1022)]
    answer = httpx.post(_url(stack, "powers"), json={"instances": [{"n": n} for n in (1, 70, 1022)]}, timeout=60).json()
    assert answer["predictions"] == wanted
    query = "SELECT prediction FROM inference_events WHERE request_id = {id:String} ORDER BY row"
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
    try:
        asked = partial(client.query, query, parameters={"id": answer["request_id"]})
        rows = wait_until(lambda: asked().result_rows, 60, "its events in ClickHouse")
    finally:
        client.close()
    assert [int(row[0]) for row in rows] == wanted


def test_types_of_the_training_are_kept_from_a_push_to_each_way_of_asking(
    stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = write_typed(tmp_path, imported_steps(tmp_path, monkeypatch))
    models = [each for each in every if each.name in TYPED]
    with ThreadPoolExecutor() as pool:
        pushed = list(pool.map(lambda each: _pushed(stack, tmp_path / each.name), models))
    for model, push in zip(models, pushed, strict=True):
        assert push.code == 0, push
        by_json = httpx.post(_url(stack, model.name), json={"instances": model.rows}, timeout=60).json()
        (file,) = (tmp_path / model.name).glob("reference.*")
        by_file = stack.json("predict", model.name, str(file))
        _assert_own(model, by_json["predictions"])
        _assert_own(model, by_file["predictions"][: len(model.rows)])


def _pushed(stack: RunningStack, folder: Path) -> Pushed:
    clone = Clone(folder, remote_url(stack, folder.name))
    clone.commit()
    return clone.push()


def _assert_own(model: Typed, found: list[Any]) -> None:
    assert found == pytest.approx(model.answers, rel=1e-9), model.name


def _url(stack: RunningStack, model: str) -> str:
    return f"{stack.gateway_url}/v1/models/{model}/predict"
