"""A gateway and a deployment without a runner: who waits for it, for how long, and what the others are told."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gateway.routing.routes import Route
from model_runner.schema import schema as schema_codec
from model_runner.schema.schema import Feature, InputSchema, Kind
from tests.support.broker import embedded_broker
from tests.support.events import make_topic
from tests.support.gateways import GatewayProcess, gateway
from tests.support.runners import RunnerProcess
from tests.support.scripted import write_scripted
from tests.support.waiting import wait_until

PATH = "/v1/models/scripted/predict"
SCHEMA = schema_codec.encode(InputSchema(features=(Feature(name="wait", kind=Kind.NUMERIC),), source="t"))
QUEUE = 3
REFUSED = 'tidegate_cold_start_refusals_total{model="scripted",reason="%s",workspace="default"}'
STARTED = 'tidegate_cold_start_seconds_count{model="scripted",workspace="default"}'


@pytest.fixture
def asleep(tmp_path: Path) -> Iterator[tuple[GatewayProcess, RunnerProcess]]:
    """The route says that it sleeps, and nothing listens."""
    runner = RunnerProcess(write_scripted(tmp_path / "m", ""), tmp_path)
    route = Route(
        workspace="default",
        model="scripted",
        version=1,
        deployment_id="d-1",
        addresses=(str(runner.socket),),
        schema_json=SCHEMA,
        idle_seconds=5.0,
        asleep=True,
    )
    with embedded_broker() as broker:
        make_topic(broker.bootstrap)
        limits = ("--wake-queue", str(QUEUE), "--wake-timeout-s", "4")
        with gateway(tmp_path, broker.bootstrap, [route], limits) as served:
            yield served, runner
    runner.child.stop()


def ask(served: GatewayProcess, body: object) -> httpx.Response:
    return httpx.post(served.url + PATH, json=body, timeout=60)


def test_those_who_may_wait_are_answered_once_it_runs_and_the_others_know_when_to_come_again(
    asleep: tuple[GatewayProcess, RunnerProcess],
) -> None:
    served, runner = asleep
    assert ask(served, {"weight": 1}).status_code == 422, "what is wrong anyway starts nothing"
    with ThreadPoolExecutor(8) as pool:
        asked: list[Future[httpx.Response]] = [pool.submit(ask, served, {"wait": 0.0}) for _ in range(8)]
        wait_until(lambda: served.metric(REFUSED % "queue_full") == 8 - QUEUE, 5, "those for whom there is no room")
        runner.start()
        answers = [one.result() for one in asked]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert [answer.status_code for answer in answers].count(200) == QUEUE
    assert {(one.status_code, one.json()["error"]["code"], one.headers["retry-after"]) for one in refused} == {
        (503, "starting", "5")
    }
    assert served.metric(STARTED) == 1, "one start for all of them"


def test_who_has_waited_as_long_as_may_be_is_told_so(asleep: tuple[GatewayProcess, RunnerProcess]) -> None:
    served, _ = asleep
    answer = ask(served, {"wait": 0.0})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "did not answer within 4 s" in answer.json()["error"]["message"]
    assert served.metric(REFUSED % "timeout") == 1
    assert served.metric(STARTED) == 0
