"""The gateway while what is behind it is away: Kafka, the runner; and while it is killed itself."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.routing.routes import Route
from model_runner.wire.client import RunnerClient
from tests.support.behaviour import ANSWER, DIE, RAISE, SLEEP, SLEEP_LONG, told
from tests.support.broker import Broker, embedded_broker
from tests.support.events import make_topic, read_events, read_records
from tests.support.gateways import GatewayProcess, gateway
from tests.support.models import write_behaving
from tests.support.runners import RunnerProcess, runner, until_busy
from tests.support.waiting import wait_until

PATH = "/v1/models/behaving/predict"


@pytest.fixture(scope="module")
def behaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerProcess]:
    scratch = tmp_path_factory.mktemp("behaving")
    with runner(write_behaving(scratch / "m"), scratch) as process:
        yield process


@pytest.fixture
def broker() -> Iterator[Broker]:
    with embedded_broker() as broker:
        make_topic(broker.bootstrap)
        yield broker


def _route(process: RunnerProcess, **more: Any) -> Route:
    return Route(
        workspace="default", model="behaving", version=1, deployment_id="d-1", addresses=(str(process.socket),), **more
    )


def _ask(served: GatewayProcess, what: float, count: int = 1) -> httpx.Response:
    return httpx.post(served.url + PATH, json={"instances": [told(what)] * count}, timeout=60)


def _accounted(served: GatewayProcess) -> float:
    dropped = served.metric('tidegate_events_dropped_total{reason="buffer_full"}')
    return served.metric("tidegate_events_acked_total") + dropped


def test_without_a_broker_requests_succeed_and_what_finds_no_room_is_counted(
    tmp_path: Path, broker: Broker, behaving: RunnerProcess
) -> None:
    limit = 60_000
    with gateway(tmp_path, broker.bootstrap, [_route(behaving)], ("--buffer-bytes", str(limit))) as served:
        assert _ask(served, ANSWER).status_code == 200
        wait_until(lambda: served.metric("tidegate_events_acked_total") == 1, 5, "the first acknowledgement")
        broker.kill()
        for _ in range(40):
            assert _ask(served, ANSWER, count=10).status_code == 200
        buffered = served.metric("tidegate_emit_buffer_bytes")
        assert limit * 0.8 < buffered <= limit
        dropped = served.metric('tidegate_events_dropped_total{reason="buffer_full"}')
        assert 0 < dropped < 400
        assert served.child.log_path.stat().st_size < 20_000, "the client library's complaints must be limited"
        broker.start()
        make_topic(broker.bootstrap)
        events = read_events(broker.bootstrap, 400 - int(dropped), deadline_s=30)
        assert len({event["event_id"] for event in events}) == 400 - dropped
        wait_until(lambda: served.metric("tidegate_emit_buffer_bytes") == 0, 10, "an empty buffer")
        assert _accounted(served) == 401
        assert _ask(served, ANSWER).status_code == 200
        wait_until(lambda: _accounted(served) == 402, 10, "an acknowledgement after the outage")


def test_a_gateway_that_starts_before_the_broker_delivers_later(tmp_path: Path, behaving: RunnerProcess) -> None:
    with embedded_broker() as broker:
        broker.kill()
        with gateway(tmp_path, broker.bootstrap, [_route(behaving)]) as served:
            assert _ask(served, ANSWER, count=3).status_code == 200
            broker.start()
            make_topic(broker.bootstrap)
            assert len(read_events(broker.bootstrap, 3, deadline_s=30)) == 3


def test_a_stop_sends_what_is_gathered(tmp_path: Path, broker: Broker, behaving: RunnerProcess) -> None:
    with gateway(tmp_path, broker.bootstrap, [_route(behaving)]) as served:
        answers = [_ask(served, ANSWER, count=100) for _ in range(5)]
        served.child.stop()
        assert {answer.status_code for answer in answers} == {200}
    assert len(read_events(broker.bootstrap, 500)) == 500


def test_a_stop_finishes_requests_under_way(tmp_path: Path, broker: Broker, behaving: RunnerProcess) -> None:
    async def ask(served: GatewayProcess) -> httpx.Response:
        watcher = RunnerClient(behaving.socket)
        async with httpx.AsyncClient(timeout=60) as client:
            slow = asyncio.create_task(client.post(served.url + PATH, json=told(SLEEP)))
            await until_busy(watcher)
            await asyncio.to_thread(served.child.stop)
            await watcher.close()
            return await slow

    with gateway(tmp_path, broker.bootstrap, [_route(behaving)]) as served:
        assert asyncio.run(ask(served)).status_code == 200
    assert read_events(broker.bootstrap, 1)[0]["status"] == 200


def test_kill_9_of_the_gateway_loses_no_acknowledged_event(
    tmp_path: Path, broker: Broker, behaving: RunnerProcess
) -> None:
    async def load(served: GatewayProcess) -> None:
        async with httpx.AsyncClient(timeout=60) as client:

            async def caller() -> None:
                try:
                    while True:
                        await client.post(served.url + PATH, json={"instances": [told(ANSWER)] * 5})
                except httpx.TransportError:
                    return

            callers = [asyncio.create_task(caller()) for _ in range(8)]
            await asyncio.to_thread(wait_until, lambda: len(served.acked_ids()) > 300, 20, "acknowledgements")
            await asyncio.to_thread(served.child.kill)
            await asyncio.gather(*callers)

    with gateway(tmp_path, broker.bootstrap, [_route(behaving)]) as served:
        asyncio.run(load(served))
        acked = served.acked_ids()
        events = [event["event_id"] for event in read_events(broker.bootstrap, len(acked))]
        assert set(acked) <= set(events)
        assert len(events) == len(set(events))
        served.start()
        assert _ask(served, ANSWER).status_code == 200


def test_a_runner_s_death_is_a_502_then_a_503_then_nothing(tmp_path: Path, broker: Broker) -> None:
    with (
        runner(write_behaving(tmp_path / "m"), tmp_path) as process,
        gateway(tmp_path, broker.bootstrap, [_route(process)]) as served,
    ):
        died = _ask(served, DIE)
        assert (died.status_code, died.json()["error"]["code"]) == (502, "runner_failed")
        # Its connection may close before the socket that it listens at: who connects in between is not refused.
        wait_until(lambda: not process.child.running, 20, "the runner's end")
        away = _ask(served, ANSWER)
        assert (away.status_code, away.json()["error"]["code"]) == (503, "runner_unavailable")
        assert away.headers["retry-after"] == "1"
        process.start()
        assert _ask(served, ANSWER).status_code == 200
        events = read_events(broker.bootstrap, 3)
        assert sorted((event["status"], event["error"]) for event in events if event["error"]) == [
            (502, "runner_failed"),
            (503, "runner_unavailable"),
        ]


def test_a_model_that_raises_is_a_500_with_what_it_raised(
    tmp_path: Path, broker: Broker, behaving: RunnerProcess
) -> None:
    with gateway(tmp_path, broker.bootstrap, [_route(behaving)]) as served:
        answer = _ask(served, RAISE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "prediction_failed")
        assert "poisoned row" in answer.json()["error"]["message"]


def test_overload_is_a_503_at_once_and_a_long_prediction_a_504(tmp_path: Path, broker: Broker) -> None:
    async def ask(served: GatewayProcess) -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=60) as client:
            waiting = [client.post(served.url + PATH, json=told(SLEEP_LONG)) for _ in range(5)]
            return list(await asyncio.gather(*waiting))

    arguments = ("--queue", "3", "--timeout-s", "1")
    with (
        runner(write_behaving(tmp_path / "m"), tmp_path, arguments=("--drain-s", "0.1")) as process,
        gateway(tmp_path, broker.bootstrap, [_route(process)], arguments) as served,
    ):
        answers = asyncio.run(ask(served))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert sorted(answer.status_code for answer in answers) == [503, 503, 504, 504, 504]
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert all(answer.elapsed.total_seconds() < 0.5 for answer in refused)
        records = read_records(broker.bootstrap, lambda seen: sum(len(record.events) for record in seen) == 5)
        errors = [event["error"] for record in records for event in record.events]
        assert sorted(errors) == ["overloaded"] * 2 + ["runner_timeout"] * 3


def test_features_too_large_for_a_record_are_left_out_and_counted(
    tmp_path: Path, broker: Broker, behaving: RunnerProcess
) -> None:
    with gateway(tmp_path, broker.bootstrap, [_route(behaving)]) as served:
        big = json.dumps({**told(ANSWER), "note": "x" * 600_000}).encode()
        # This route has no schema, so any field is accepted.
        answer = httpx.post(served.url + PATH, content=big, timeout=60)
        assert answer.status_code == 200
        (event,) = read_events(broker.bootstrap, 1)
        assert event["features"] is None
        assert event["request_id"] == answer.headers["x-request-id"]
        assert served.metric('tidegate_features_dropped_total{reason="too_large"}') == 1
