"""Versions on a real stack: rollback, shares, shadows, previews, and the API that changes them."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.clickhouse.client import connect
from storage.registry import Database
from stream.contracts.topics import Topic
from tests.support.models import EXAMPLE, write_plain
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.topic_reader import read_topic
from tests.support.waiting import wait_until
from tidegate.rollout.config import rollout_config
from tidegate.versions.ending import remove_previews, sweep

NAME = "routed"
MODEL = f"/api/v1/models/{NAME}"
PREDICT = f"/v1/models/{NAME}/predict"


class Api:
    """The management API as its owner uses it."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        token = stack.settings.token_path.read_text().strip()
        self.client = httpx.Client(base_url=stack.gateway_url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.client.post(path, json=body)

    def do(self, path: str, body: Any = None) -> Any:
        """A change that is done at once, or that is waited for."""
        answer = self.post(path, body)
        assert answer.is_success, answer.text
        if answer.status_code == 202:
            wait_until(lambda: self.get(answer.headers["location"])["status"] != "starting", 60, "its runner")
        return answer.json()

    def status(self, deployment: str) -> str:
        return str(self.get(f"/api/v1/deployments/{deployment}")["status"])

    def shares(self) -> dict[int, float]:
        return {one["version"]: one["weight"] for one in self.get(MODEL)["traffic"]}

    def predict(self, path: str = PREDICT) -> Any:
        return self.client.post(path, json=EXAMPLE).json()

    def until_answered_by(self, version: int, deadline_s: float = 5) -> None:
        wait_until(lambda: self.predict().get("version") == version, deadline_s, f"version {version} to answer", 0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Some ask, and cancel, while one starts.
    return write_plain(tmp_path_factory.mktemp("model") / NAME, name=NAME, load_s=1.0)


@pytest.fixture(scope="module")
def api(shared_stack: SharedStack, folder: Path) -> Iterator[Api]:
    """Versions 1 to 3 were deployed: 3 is live, 2 warm, 1 has no runner any more."""
    with shared_stack.lend() as stack:
        for _ in range(3):
            stack.tidegate("deploy", str(folder))
        api = Api(stack)
        try:
            api.until_answered_by(3)
            yield api
        finally:
            api.client.close()


def test_only_the_token_opens_the_management_api(api: Api) -> None:
    url = f"{api.stack.gateway_url}{MODEL}"
    for headers in ({}, {"Authorization": "Bearer tg_wrong"}, {"Authorization": "Basic eDp5"}):
        refused = httpx.post(f"{url}/rollback", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert api.shares() == {3: 1.0}, "nothing was changed"
    assert httpx.post(f"{api.stack.gateway_url}{PREDICT}", json=EXAMPLE).status_code == 200, "predictions are open"
    token = api.stack.settings.token_path
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().strip() in api.stack.tidegate("up").stdout
    assert token.read_text().strip() not in api.stack.logs(1_000_000)


def test_what_cannot_be_done_says_why(api: Api) -> None:
    def refused(path: str, body: Any, status: int, code: str) -> str:
        answer = api.post(path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert answer.headers["x-request-id"] == answer.json()["request_id"]
        return str(answer.json()["error"]["message"])

    assert f"'{NAME}'" in refused("/api/v1/models/routd/rollback", None, 404, "unknown_model")
    assert "from 1 to 3" in refused(f"{MODEL}/rollback", {"version": 9}, 404, "unknown_version")
    assert "name a version" in refused(f"{MODEL}/promote", {}, 409, "wrong_state")
    assert "has a share" in refused(f"{MODEL}/shadow", {"version": 3}, 409, "wrong_state")
    nobody = {"shares": [{"version": 3, "weight": 0}]}
    assert "at least one" in refused(f"{MODEL}/traffic", nobody, 422, "invalid_request")
    assert "verzion" in refused(f"{MODEL}/rollback", {"verzion": 2}, 422, "invalid_request")
    assert "only one that is starting" in refused(
        f"/api/v1/deployments/{api.get(MODEL)['traffic'][0]['id']}/cancel", None, 409, "wrong_state"
    )
    refused("/api/v1/nothing", None, 404, "not_found")
    refused("/api/v1/models", None, 405, "method_not_allowed")
    refused("/api/v1/deployments/d-none/cancel", None, 404, "unknown_deployment")
    assert api.shares() == {3: 1.0}


def test_the_api_is_documented_with_examples_and_errors(api: Api) -> None:
    document = httpx.get(f"{api.stack.gateway_url}/openapi.json").json()
    operation = document["paths"]["/api/v1/models/{model}/traffic"]["post"]
    assert {"200", "202", "401", "404", "409", "422"} <= set(operation["responses"])
    assert operation["security"] == [{"HTTPBearer": []}]
    body = document["components"]["schemas"]["TrafficBody"]
    assert body["examples"][0]["shares"][0] == {"version": 7, "weight": 90}
    assert api.post(f"{MODEL}/traffic", {"shares": [{"version": 3, "weight": 90}]}).status_code == 200


def test_a_rollback_and_back_by_command_is_at_once_and_told_to_the_workers(api: Api) -> None:
    done = api.stack.json("rollback", NAME)
    assert api.predict()["version"] == 2, "it says so once the gateway does"
    assert [(one["version"], one["role"]) for one in done["traffic"]] == [(2, "primary")]
    assert done["warnings"] == []
    assert "version 3 has all the traffic" in api.stack.tidegate("rollback", NAME, "v3").stdout
    assert api.predict()["version"] == 3
    listed = {one["version"]: one["status"] for one in api.stack.json("deployments", NAME, "--all")["deployments"]}
    assert listed == {3: "live", 2: "warm", 1: "retired"}
    settings = api.stack.settings
    told = [json.loads(one.value) for one in read_topic(settings.bootstrap, settings.topics.name(Topic.DEPLOYMENTS))]
    mine = [record for record in told if record["model"] == NAME]
    last = {record["version"]: (record["action"], record["role"], record["weight"]) for record in mine}
    assert last == {1: ("retired", "primary", 0.0), 2: ("warm", "primary", 0.0), 3: ("live", "primary", 1.0)}


def test_a_rollback_to_a_version_without_a_runner_waits_for_it_and_keeps_the_traffic_meanwhile(api: Api) -> None:
    answer = api.post(f"{MODEL}/rollback", {"version": 1})
    assert answer.status_code == 202
    body = answer.json()
    assert body["done"] is False
    assert [one["version"] for one in body["traffic"]] == [3]
    new = body["starting"][0]
    assert answer.headers["location"] == f"/api/v1/deployments/{new['id']}"
    assert api.predict()["version"] == 3
    wait_until(lambda: api.status(new["id"]) == "live", 60, "the runner of version 1")
    api.until_answered_by(1)
    assert api.predict()["deployment_id"] == new["id"]
    assert api.post(f"{MODEL}/rollback").json()["done"] is True, "it was warm"
    assert api.predict()["version"] == 3


def test_shares_by_command_show_in_the_answers_and_the_table(api: Api) -> None:
    done = api.stack.tidegate("traffic", NAME, "v3=50", "v1=50").stdout
    assert "version 3 50 %, version 1 50 %" in done
    wait_until(lambda: {api.predict()["version"] for _ in range(40)} == {1, 3}, 10, "both to answer")
    table = api.stack.tidegate("deployments", NAME).stdout
    assert "canary" in table
    assert "50 %" in table
    wrong = api.stack.tidegate("traffic", NAME, "v3=50", "v9=50", check=False)
    assert (wrong.returncode, "from 1 to 3" in wrong.stderr) == (4, True)
    assert api.shares() == {1: 0.5, 3: 0.5}
    assert "version 1 has all the traffic" in api.stack.tidegate("promote", NAME).stdout
    api.do(f"{MODEL}/rollback", {"version": 3})
    api.until_answered_by(3)


def test_a_shadows_events_land_beside_the_primarys(api: Api) -> None:
    api.stack.tidegate("shadow", NAME, "v1")
    shadow = api.get(f"{MODEL}/deployments")["deployments"]
    shadow_id = next(one["id"] for one in shadow if one["role"] == "shadow" and one["status"] == "live")
    client = connect(api.stack.settings.clickhouse_dsn, api.stack.settings.clickhouse_database)

    def landed() -> bool:
        request = api.predict()["request_id"]
        sql = f"SELECT role, deployment_id, version FROM inference_events WHERE request_id = '{request}'"
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            rows = {row[0]: row[1:] for row in client.query(sql).result_rows}
            if set(rows) == {"primary", "shadow"}:
                return bool(rows["shadow"] == (shadow_id, 1) and rows["primary"][1] == 3)
        return False

    wait_until(landed, 20, "the events of both")
    client.close()
    assert api.shares() == {3: 1.0}
    assert "no more copies" in api.stack.tidegate("shadow", NAME, "--off").stdout
    assert api.status(shadow_id) == "warm"
    assert api.stack.tidegate("shadow", NAME, "--off", check=False).returncode == 1


def test_a_preview_lives_at_its_own_url_until_its_branch_or_its_time_is_over(api: Api, folder: Path) -> None:
    deployed = api.stack.json("deploy", str(folder), "--preview", "feature/prices")
    path = deployed["url"].removeprefix(api.stack.gateway_url)
    assert path.startswith(f"/v1/models/{NAME}/previews/feature-prices-")
    wait_until(lambda: api.predict(path).get("version") == deployed["version"], 5, "the preview")
    assert api.shares() == {3: 1.0}
    assert api.predict()["version"] == 3
    found = api.get(f"/api/v1/deployments/{deployed['deployment_id']}")
    assert (found["role"], found["branch"], found["predict_path"]) == ("preview", "feature/prices", path)

    config = rollout_config(api.stack.settings)
    database = Database(config.database_dsn)
    try:
        assert sweep(config, database, datetime.now(UTC)) == [], "its time is not over"
        ended = remove_previews(config, database, "default", NAME, "feature/prices")
    finally:
        database.close()
    assert [one.id for one in ended] == [deployed["deployment_id"]]
    wait_until(lambda: api.predict(path).get("error", {}).get("code") == "unknown_preview", 5, "its end")
    runner = f"runner-{deployed['deployment_id']}"
    wait_until(lambda: runner not in api.stack.parts(), 10, "the end of its runner", 0.2)


def test_a_start_that_is_cancelled_changes_nothing_for_callers(api: Api) -> None:
    before = api.get(MODEL)["traffic"]
    answer = api.post(f"{MODEL}/redeploy")
    assert answer.status_code == 202
    new = answer.json()["starting"][0]["id"]
    # At once, by the API: a command takes as long to begin as the runner to be ready.
    assert api.do(f"/api/v1/deployments/{new}/cancel")["status"] == "cancelled"
    again = api.stack.tidegate("cancel", new, check=False)
    assert (again.returncode, "only one that is starting" in again.stderr) == (1, True)
    wait_until(lambda: f"runner-{new}" not in api.stack.parts(), 15, "the end of its runner", 0.2)
    assert api.status(new) == "cancelled"
    assert api.get(MODEL)["traffic"] == before


def test_a_version_runs_anew_in_the_place_of_its_deployment(api: Api) -> None:
    old = api.get(MODEL)["traffic"][0]
    done = api.stack.json("redeploy", NAME)
    new = done["traffic"][0]
    assert (new["version"], new["weight"]) == (old["version"], 1.0)
    assert new["id"] != old["id"]
    wait_until(lambda: api.predict()["deployment_id"] == new["id"], 5, "the new runner")
    assert api.status(old["id"]) == "retired"
    logs = api.stack.tidegate("logs", "--deployment", new["id"]).stdout
    assert "ready on" in logs
