"""Shares, shadows and previews through a real gateway and real runners: who answers, who must not be noticed."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.routing.routes import Route
from model_runner.schema import schema as schema_codec
from model_runner.schema.schema import Feature, InputSchema, Kind
from tests.support.behaviour import ANSWER, RAISE, told
from tests.support.broker import embedded_broker
from tests.support.events import make_topic, read_records
from tests.support.gateways import GatewayProcess, gateway, write_routes
from tests.support.models import write_behaving
from tests.support.runners import RunnerProcess, runner
from tests.support.waiting import wait_until

SCHEMA = schema_codec.encode(
    InputSchema(features=tuple(Feature(name=name, kind=Kind.NUMERIC) for name in ("act", "value")), source="t")
)
PATH = "/v1/models/behaving/predict"
ROW = told(ANSWER)


@dataclass(frozen=True)
class Stack:
    gateway: GatewayProcess
    bootstrap: str
    first: RunnerProcess
    second: RunnerProcess

    def route(self, which: int, **changes: Any) -> Route:
        process = (self.first, self.second)[which - 1]
        route = Route(
            workspace="default",
            model="behaving",
            version=which,
            deployment_id=f"d-{which}",
            addresses=(str(process.socket),),
            schema_json=SCHEMA,
        )
        return replace(route, **changes)

    def serve(self, *routes: Route) -> None:
        """Change the routes, and wait until the gateway has them."""
        before = self.gateway.metric("tidegate_route_refreshes_total")
        write_routes(self.gateway.routes, routes)
        wait_until(lambda: self.gateway.metric("tidegate_route_refreshes_total") >= before + 2, 10, "a refresh")

    def ask(self, row: Any = ROW, path: str = PATH) -> httpx.Response:
        return httpx.post(self.gateway.url + path, json=row, timeout=60)

    def events(self, request_id: str, count: int) -> dict[str, dict[str, Any]]:
        """By role."""

        def mine(records: Any) -> list[dict[str, Any]]:
            return [event for record in records for event in record.events if event["request_id"] == request_id]

        found = mine(read_records(self.bootstrap, lambda seen: len(mine(seen)) >= count))
        return {event["role"]: event for event in found}

    def copies(self, outcome: str) -> float:
        labels = f'model="behaving",outcome="{outcome}",workspace="default"'
        return self.gateway.metric(f"tidegate_shadow_copies_total{{{labels}}}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    scratch = tmp_path_factory.mktemp("routing")
    folder = write_behaving(scratch / "m")
    with (
        embedded_broker() as broker,
        runner(folder, scratch, "d-1") as first,
        runner(folder, scratch, "d-2") as second,
    ):
        make_topic(broker.bootstrap)
        with gateway(scratch, broker.bootstrap, []) as served:
            yield Stack(served, broker.bootstrap, first, second)


def test_two_with_a_share_both_answer_and_one_without_does_not(stack: Stack) -> None:
    stack.serve(stack.route(1, weight=0.5), stack.route(2, weight=0.5, role="canary"))
    answers = [stack.ask() for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["deployment_id"] for answer in answers} == {"d-1", "d-2"}
    canary = next(answer for answer in answers if answer.json()["version"] == 2)
    assert set(stack.events(canary.json()["request_id"], 1)) == {"canary"}
    stack.serve(stack.route(1, weight=0.0), stack.route(2))
    assert {stack.ask().json()["deployment_id"] for _ in range(20)} == {"d-2"}


def test_a_shadow_gets_a_copy_and_the_caller_the_primarys_answer(stack: Stack) -> None:
    stack.serve(stack.route(1), stack.route(2, role="shadow"))
    answer = stack.ask({"instances": [ROW, ROW]})
    assert answer.json()["deployment_id"] == "d-1"
    events = stack.events(answer.json()["request_id"], 4)
    assert set(events) == {"primary", "shadow"}
    shadow = events["shadow"]
    assert (shadow["deployment_id"], shadow["version"], shadow["status"]) == ("d-2", 2, 200)
    assert shadow["features"] == ROW
    assert shadow["prediction"] == 2.0
    assert shadow["event_id"] != events["primary"]["event_id"]
    assert shadow["ts"] == events["primary"]["ts"]
    listed = httpx.get(f"{stack.gateway.url}/v1/models").json()["models"]
    assert [model["deployment_id"] for model in listed] == ["d-1"]


def test_a_shadow_that_fails_is_an_event_and_nothing_to_the_caller(stack: Stack) -> None:
    newer = InputSchema(features=(Feature(name="other", kind=Kind.NUMERIC),), source="t")
    stack.serve(stack.route(1), stack.route(2, role="shadow", schema_json=schema_codec.encode(newer)))
    answer = stack.ask()
    assert answer.status_code == 200
    events = stack.events(answer.json()["request_id"], 2)
    assert (events["primary"]["status"], events["primary"]["error"]) == (200, None)
    assert (events["shadow"]["status"], events["shadow"]["error"]) == (422, "invalid_features")
    assert events["shadow"]["prediction"] is None


def test_a_request_that_the_primary_fails_is_copied_too(stack: Stack) -> None:
    stack.serve(stack.route(1), stack.route(2, role="shadow"))
    answer = stack.ask(told(RAISE))
    assert answer.status_code == 500
    assert set(stack.events(answer.json()["request_id"], 2)) == {"primary", "shadow"}


def test_a_shadow_that_hangs_delays_nobody_and_what_is_too_much_is_dropped_and_counted(stack: Stack) -> None:
    stack.serve(stack.route(1), stack.route(2, role="shadow"))
    dropped, answered = stack.copies("dropped"), stack.copies("answered")
    os.kill(stack.second.child.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answers = [stack.ask() for _ in range(50)]
        took = time.monotonic() - began
    finally:
        os.kill(stack.second.child.pid, signal.SIGCONT)
    assert {answer.status_code for answer in answers} == {200}
    assert took < 25, "no request waited for the shadow"
    wait_until(lambda: stack.copies("answered") == answered + 32, 10, "the copies that were sent")
    assert stack.copies("dropped") == dropped + 18


def test_a_preview_has_its_own_url_and_no_part_in_the_models_traffic(stack: Stack) -> None:
    stack.serve(stack.route(1), stack.route(2, role="preview", preview="feature-x-1a2b3c"))
    path = "/v1/models/behaving/previews/feature-x-1a2b3c/predict"
    answer = stack.ask(path=path)
    assert answer.json()["deployment_id"] == "d-2"
    assert stack.events(answer.json()["request_id"], 1)["preview"]["deployment_id"] == "d-2"
    assert stack.ask(path=path.replace("/v1/", "/v1/workspaces/default/")).status_code == 200
    assert {stack.ask().json()["deployment_id"] for _ in range(20)} == {"d-1"}
    document = httpx.get(f"{stack.gateway.url}/openapi.json").json()
    assert "preview feature-x-1a2b3c" in document["paths"][path]["post"]["summary"]
    metric = 'tidegate_requests_total{model="behaving/previews/feature-x-1a2b3c",status="200",workspace="default"}'
    assert stack.gateway.metric(metric) == 2
    stack.serve(stack.route(1))
    assert stack.ask().status_code == 200, "the next request makes it follow its routes"
    assert stack.gateway.metric(metric) == 0, "nothing is left of a preview that is over"
    assert stack.gateway.metric('tidegate_requests_total{model="behaving",status="200",workspace="default"}') >= 20


def test_an_unknown_preview_is_met_with_those_there_are(stack: Stack) -> None:
    stack.serve(stack.route(1), stack.route(2, role="preview", preview="feature-x"))
    answer = stack.ask(path="/v1/models/behaving/previews/feature-y/predict")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_preview")
    assert "feature-x" in answer.json()["error"]["message"]
    stack.serve(stack.route(2, role="preview", preview="feature-x"))
    assert stack.ask().json()["error"]["code"] == "unknown_model", "a preview alone serves no traffic"


def test_a_body_that_arrives_after_the_switch_is_answered_by_who_has_the_traffic_then(stack: Stack) -> None:
    stack.serve(stack.route(1))
    assert stack.ask().json()["deployment_id"] == "d-1"
    body = json.dumps(ROW).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stack.gateway.port), timeout=60) as client:
        client.sendall(head.encode() + body[:5])
        stack.serve(stack.route(2))
        assert stack.ask().json()["deployment_id"] == "d-2", "the connection to the first is closed by now"
        client.sendall(body[5:])
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b'"deployment_id":"d-2"' in answer


def test_a_gateway_that_has_not_heard_of_the_switch_asks_before_it_fails(stack: Stack, tmp_path: Path) -> None:
    folder = write_behaving(tmp_path / "m")
    with runner(folder, tmp_path, "d-7") as leaving:
        old = stack.route(1, deployment_id="d-7", addresses=(str(leaving.socket),))
        with gateway(tmp_path, stack.bootstrap, [old], ("--refresh-s", "600")) as served:
            url = f"{served.url}{PATH}"
            assert httpx.post(url, json=ROW, timeout=60).json()["deployment_id"] == "d-7"
            leaving.child.stop()
            lost = httpx.post(url, json=ROW, timeout=60)
            assert (lost.status_code, lost.json()["error"]["code"]) == (503, "runner_unavailable")
            write_routes(served.routes, [stack.route(2)])
            answer = httpx.post(url, json=ROW, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["deployment_id"] == "d-2"
