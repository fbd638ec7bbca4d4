"""Predictions over real HTTP: what a caller sends, and what they read back, in the answer and in the topic."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.routing.routes import Route
from model_runner.schema import schema as schema_codec
from model_runner.schema.schema import Feature, InputSchema, Kind
from tests.support.broker import embedded_broker
from tests.support.events import make_topic, read_events, read_records
from tests.support.gateways import GatewayProcess, gateway, write_routes
from tests.support.models import EXAMPLE, FEATURES, write_classifier
from tests.support.runners import runner
from tests.support.waiting import wait_until

SCHEMA = InputSchema(features=tuple(Feature(name=name, kind=Kind.NUMERIC) for name in FEATURES), source="tidegate.toml")


@dataclass(frozen=True)
class Stack:
    """What the tests of this file talk to."""

    gateway: GatewayProcess
    bootstrap: str
    routes: tuple[Route, ...]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    scratch = tmp_path_factory.mktemp("gateway")
    folder = write_classifier(scratch / "m")
    with embedded_broker() as broker, runner(folder, scratch) as process:
        make_topic(broker.bootstrap)
        common: dict[str, Any] = {"version": 3, "addresses": (str(process.socket),), "example": EXAMPLE}
        schema = schema_codec.encode(SCHEMA)
        routes = (
            Route(workspace="default", model="market", deployment_id="d-1", schema_json=schema, **common),
            Route(
                workspace="default",
                model="masked",
                deployment_id="d-2",
                schema_json=schema,
                mask=("price",),
                **common,
            ),
            Route(workspace="team", model="market", deployment_id="d-3", schema_json=schema, **common),
        )
        limits = ("--max-bytes", "20000", "--max-instances", "100")
        with gateway(scratch, broker.bootstrap, routes, limits) as served:
            yield Stack(served, broker.bootstrap, routes)


def _events_of(stack: Stack, request_id: str, count: int) -> list[dict[str, Any]]:
    """The events of one request, by row."""

    def mine(records: Any) -> list[dict[str, Any]]:
        return [event for record in records for event in record.events if event["request_id"] == request_id]

    return sorted(mine(read_records(stack.bootstrap, lambda seen: len(mine(seen)) >= count)), key=lambda e: e["row"])


def _post(stack: Stack, body: Any, path: str = "/v1/models/market/predict", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(stack.gateway.url + path, content=content, headers=headers, timeout=60)


def test_one_object_gets_one_prediction(stack: Stack) -> None:
    before = datetime.now(UTC)
    answer = _post(stack, EXAMPLE, **{"X-Request-Id": "mine-1"})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "mine-1"
    body = answer.json()
    assert body["prediction"]["class"] == "UP"
    assert 0.5 < body["prediction"]["score"] < 1
    assert {name: body[name] for name in ("model", "version", "deployment_id", "request_id")} == {
        "model": "market",
        "version": 3,
        "deployment_id": "d-1",
        "request_id": "mine-1",
    }
    (event,) = _events_of(stack, "mine-1", 1)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", event["event_id"])
    assert before <= datetime.fromisoformat(event["ts"]) <= before + timedelta(seconds=5)
    assert event["ts"].endswith("Z")
    assert event["features"] == EXAMPLE
    assert event["prediction"] == body["prediction"]
    assert (event["status"], event["error"], event["row"], event["batch_size"]) == (200, None, 0, 1)
    assert (event["workspace"], event["model"], event["version"], event["role"]) == ("default", "market", 3, "primary")
    assert 0 < event["model_ms"] <= event["latency_ms"]


def test_many_instances_get_as_many_predictions_and_events(stack: Stack) -> None:
    rows = [{**EXAMPLE, "price": float(i) - 5} for i in range(10)]
    answer = _post(stack, {"instances": rows})
    assert answer.status_code == 200
    assert [found["class"] for found in answer.json()["predictions"]] == ["DOWN"] * 5 + ["DOWN"] + ["UP"] * 4
    request_id = answer.headers["x-request-id"]
    assert answer.json()["request_id"] == request_id
    events = _events_of(stack, request_id, 10)
    assert [event["features"] for event in events] == rows
    assert [event["prediction"] for event in events] == answer.json()["predictions"]
    assert len({event["event_id"] for event in events}) == 10


def test_a_missing_value_that_the_model_does_not_take_is_named(stack: Stack) -> None:
    # Logistic regression takes no NaN: the model says so, and the caller is told of which field.
    answer = _post(stack, {**EXAMPLE, "price": None})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"][0]["field"]) == (422, "invalid_features", "price")
    assert "NaN" in error["message"]


def test_another_workspace_has_its_own_path(stack: Stack) -> None:
    answer = _post(stack, EXAMPLE, "/v1/workspaces/team/models/market/predict")
    assert answer.json()["deployment_id"] == "d-3"


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (b"", 400, "invalid_json", "empty"),
        (b'{"price": 1,\n "demand": oops}', 400, "invalid_json", "line 2, column 12"),
        (b'{"price": 1,\n "demand": "caf\xe9"}', 400, "invalid_json", "line 2, column 16 (byte 28) is no UTF-8"),
        (b'{"price": NaN, "demand": 1, "transfer": 1}', 400, "not_finite", "NaN at line 1, column 11"),
        (b'{"price": -Infinity, "demand": 1, "transfer": 1}', 400, "not_finite", "send null for a missing value"),
        (b"[1, 2, 3]", 400, "invalid_body", "instances"),
        (b'{"instances": []}', 400, "no_instances", "at least one"),
        (b'{"instances": [{}], "other": 1}', 400, "invalid_body", "'other'"),
        (b"[" * 10_000, 400, "invalid_json", "deep"),
        (b'{"instances": [' + b"1," * 100 + b"1]}", 413, "too_many_instances", "101 instances; the most"),
        (b" " * 20_001, 413, "body_too_large", "20000 bytes"),
        (b'{"instances": [5]}', 422, "invalid_features", "instances[0]: expected an object"),
        (
            b'{"price": 1e3, "demand": 1, "transfer": ' + b"9" * 30 + b"}",
            422,
            "invalid_features",
            "instances[0].transfer: a whole number of more than 64 bits",
        ),
    ],
)
def test_a_bad_body_is_refused_with_the_reason(stack: Stack, body: bytes, status: int, code: str, says: str) -> None:
    answer = _post(stack, body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert says in error["message"]
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    event = _events_of(stack, answer.headers["x-request-id"], 1)[0]
    assert (event["status"], event["error"], event["prediction"]) == (status, code, None)
    assert event["deployment_id"] == "d-1"


def test_features_that_do_not_fit_are_named_with_both_types(stack: Stack) -> None:
    rows = [EXAMPLE, {"price": "high", "demnad": 1, "transfer": 2}]
    answer = _post(stack, {"instances": rows})
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert {(detail["row"], detail["field"], detail["expected"], detail["found"]) for detail in details} == {
        (1, "price", "number or null", "string"),
        (1, "demand", "number or null", None),
        (1, "demnad", None, "number"),
    }
    assert "did you mean 'demand'" in answer.json()["error"]["message"]
    events = _events_of(stack, answer.headers["x-request-id"], 2)
    assert [event["features"] for event in events] == rows
    assert {event["error"] for event in events} == {"invalid_features"}


def test_an_unknown_model_is_met_with_the_nearest_names(stack: Stack) -> None:
    answer = _post(stack, EXAMPLE, "/v1/models/markte/predict")
    assert answer.status_code == 404
    assert "'market'" in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"]


def test_another_method_is_refused(stack: Stack) -> None:
    answer = httpx.get(f"{stack.gateway.url}/v1/models/market/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


def test_masked_features_never_reach_the_topic(stack: Stack) -> None:
    answer = _post(stack, {**EXAMPLE, "price": 987654.321}, "/v1/models/masked/predict")
    assert answer.status_code == 200
    (event,) = _events_of(stack, answer.headers["x-request-id"], 1)
    assert event["features"] == {**EXAMPLE, "price": None}
    refused = _post(stack, {**EXAMPLE, "price": "987654.321", "prize": 987654.321}, "/v1/models/masked/predict")
    assert refused.status_code == 422
    (event,) = _events_of(stack, refused.headers["x-request-id"], 1)
    assert "987654.321" not in json.dumps(event), "nor under a misspelt name"
    assert event["features"]["price"] == "***"


def test_an_unusable_request_id_is_replaced(stack: Stack) -> None:
    answer = _post(stack, EXAMPLE, **{"X-Request-Id": "a b" * 100})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


def test_live_models_are_listed_and_documented(stack: Stack) -> None:
    listed = httpx.get(f"{stack.gateway.url}/v1/models").json()["models"]
    assert {(model["workspace"], model["model"]) for model in listed} == {
        ("default", "market"),
        ("default", "masked"),
        ("team", "market"),
    }
    market = listed[0]
    assert market["example"] == EXAMPLE
    assert market["input_schema"]["required"] == list(FEATURES)
    assert _post(stack, market["example"], market["predict_path"]).status_code == 200
    paths = httpx.get(f"{stack.gateway.url}/openapi.json").json()["paths"]
    content = paths["/v1/models/market/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert content["examples"]["one"]["value"] == EXAMPLE
    assert content["schema"]["oneOf"][0]["properties"]["price"] == {"type": ["number", "null"]}
    assert "/v1/workspaces/team/models/market/predict" in paths


def test_records_are_spread_and_carry_headers(stack: Stack) -> None:
    for _ in range(12):
        assert _post(stack, EXAMPLE).status_code == 200
    records = read_records(stack.bootstrap, lambda seen: len({record.partition for record in seen}) == 4)
    for record in records:
        assert record.headers["tidegate-deployment"].decode() == record.events[0]["deployment_id"]
        assert record.headers["tidegate-count"] == str(len(record.events)).encode()
        assert len({event["deployment_id"] for event in record.events}) == 1


def test_acknowledged_events_are_in_the_topic(stack: Stack) -> None:
    answer = _post(stack, {"instances": [EXAMPLE] * 7})
    mine = {event["event_id"] for event in _events_of(stack, answer.headers["x-request-id"], 7)}
    wait_until(lambda: mine <= set(stack.gateway.acked_ids()), 5, "the acknowledgements")
    acked = stack.gateway.acked_ids()
    assert len(acked) == len(set(acked))
    assert set(acked) <= {event["event_id"] for event in read_events(stack.bootstrap, len(acked))}


def test_routes_change_within_a_second_and_outlive_their_source(stack: Stack) -> None:
    new = Route(
        workspace="default", model="newcomer", version=1, deployment_id="d-9", addresses=stack.routes[0].addresses
    )
    path = "/v1/models/newcomer/predict"
    assert _post(stack, EXAMPLE, path).status_code == 404
    write_routes(stack.gateway.routes, [*stack.routes, new])
    wait_until(lambda: _post(stack, EXAMPLE, path).status_code == 200, 1, "the new route")
    stack.gateway.routes.unlink()
    wait_until(lambda: stack.gateway.metric("tidegate_route_refresh_failures_total") >= 3, 5, "failed refreshes")
    assert _post(stack, EXAMPLE, path).status_code == 200
    assert httpx.get(f"{stack.gateway.url}/readyz").status_code == 200
    write_routes(stack.gateway.routes, stack.routes)
    wait_until(lambda: _post(stack, EXAMPLE, path).status_code == 404, 1, "the route's end")
