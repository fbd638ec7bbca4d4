"""`tidegate predict` against a running gateway: types by the schema, bodies that fit, 3,000 columns."""

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from gateway.routing.routes import Route
from model_runner.folder.schema_source import schema_text
from model_runner.serving.loading import load_and_warm
from tests.support.broker import embedded_broker
from tests.support.events import make_topic
from tests.support.gateways import gateway
from tests.support.runners import runner
from tidegate.cli.commands.predict import predict
from tidegate.cli.exits import CliError, Exit

MAX_BYTES = 1_000_000
WIDTH = 3000


@dataclass(frozen=True)
class Served:
    port: int
    members: pd.DataFrame
    answers: list[bool]
    wide: pd.DataFrame
    sums: list[float]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    scratch = tmp_path_factory.mktemp("predict")
    members, judge = _members()
    wide, sums = _wide()
    schemas: dict[str, str | None] = {}
    for name, model in (("members", judge), ("wide", sums)):
        folder = scratch / name
        folder.mkdir()
        joblib.dump(model, folder / "model.joblib")
        (folder / "tidegate.toml").write_text(f'name = "{name}"\n')
        if name == "members":
            members.to_parquet(folder / "reference.parquet", index=False)
        schemas[name] = schema_text(load_and_warm(folder, time.perf_counter).inputs)
    with (
        embedded_broker() as broker,
        runner(scratch / "members", scratch / "one") as first,
        runner(scratch / "wide", scratch / "two") as second,
    ):
        make_topic(broker.bootstrap)
        sockets = {"members": first.socket, "wide": second.socket}
        routes = [
            Route(
                workspace="default",
                model=name,
                version=1,
                deployment_id=name,
                addresses=(str(socket),),
                schema_json=schemas[name],
            )
            for name, socket in sockets.items()
        ]
        with gateway(scratch, broker.bootstrap, routes, ("--max-bytes", str(MAX_BYTES))) as process:
            yield Served(process.port, members, judge.predict(members).tolist(), wide, sums.predict(wide).tolist())


def _members() -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(3)
    spend = np.where(rng.random(300) < 0.1, np.nan, rng.gamma(2, 30, 300).round(2))
    codes = rng.choice(["0042", "0107", "0815"], 300)
    rows = pd.DataFrame({"spend": spend, "active": rng.random(300) < 0.6, "branch": codes})
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer((encoder, ["branch"]), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=5, random_state=0))
    return rows, model.fit(rows, rows["active"] & (rows["spend"].fillna(20) > 40))


def _wide() -> tuple[pd.DataFrame, Any]:
    values = np.random.default_rng(4).normal(size=(60, WIDTH)).round(4)
    rows = pd.DataFrame(values, columns=[f"band_{number:04d}" for number in range(WIDTH)])
    return rows, Ridge().fit(rows, rows["band_0000"] * 3)


@pytest.fixture
def command(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setenv("TIDEGATE_GATEWAY_PORT", str(served.port))
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return served


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"encoding": "utf-8-sig", "lineterminator": "\r\n"},
        {"na_rep": "nan"},
        {"na_rep": "NA"},
        {"sep": ";", "decimal": ","},
    ],
)
def test_a_file_gets_what_the_model_answers_however_it_was_written(
    command: Served, how: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command.members.assign(id=range(300)).to_csv("rows.csv", index=False, **how)
    predict("members", "rows.csv", to=None, as_json=True)
    told = capsys.readouterr()
    assert [each["class"] for each in json.loads(told.out)["predictions"]] == command.answers
    assert "not sent, as the model has no such features: id" in told.err


def test_three_thousand_columns_are_cut_into_bodies_that_fit(command: Served) -> None:
    command.wide.to_csv("wide.csv", index=False)
    assert Path("wide.csv").stat().st_size > MAX_BYTES
    for target in ("out.csv", "out.parquet"):
        predict("wide", "wide.csv", to=target, as_json=False)
    with Path("out.csv").open(newline="") as file:
        found = [float(row["prediction"]) for row in csv.DictReader(file)]
    assert found == pytest.approx(command.sums)
    assert parquet.read_table("out.parquet")["prediction"].to_pylist() == pytest.approx(command.sums)


def test_a_gateway_with_smaller_limits_gets_smaller_bodies(command: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_MAX_REQUEST_BYTES", str(10 * MAX_BYTES))
    command.wide.to_csv("wide.csv", index=False)
    predict("wide", "wide.csv", to="out.parquet", as_json=False)
    assert parquet.read_table("out.parquet")["prediction"].to_pylist() == pytest.approx(command.sums)


def test_a_row_that_is_refused_is_named_by_its_place_in_the_file(command: Served) -> None:
    rows = [{"spend": 1.5, "active": True, "branch": "0042"}] * 3
    Path("rows.json").write_text(json.dumps([*rows, {**rows[0], "spend": "much"}]))
    with pytest.raises(CliError, match=r"^row 4: spend: expected number or null, found a string$") as refused:
        predict("members", "rows.json", to="out.csv", as_json=False)
    assert refused.value.code is Exit.REFUSED
    assert not Path("out.csv").exists()
    with pytest.raises(CliError, match=r"No model 'member' here\. Did you mean 'members'\?") as unknown:
        predict("member", "rows.json", to=None, as_json=False)
    assert unknown.value.code is Exit.UNKNOWN
