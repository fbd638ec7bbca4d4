"""A gateway that has no file descriptor left while its broker is away: what it holds arrives once it has some."""

import os
import resource
from pathlib import Path

import httpx

from gateway.routing.routes import Route
from tests.support.behaviour import ANSWER, told
from tests.support.broker import embedded_broker
from tests.support.events import make_topic, read_events
from tests.support.gateways import GatewayProcess, gateway
from tests.support.models import write_behaving
from tests.support.runners import runner
from tests.support.waiting import wait_until

PATH = "/v1/models/behaving/predict"


def test_events_outlive_a_lack_of_descriptors(tmp_path: Path) -> None:
    with (
        runner(write_behaving(tmp_path / "m"), tmp_path) as process,
        embedded_broker() as broker,
    ):
        make_topic(broker.bootstrap)
        route = Route(
            workspace="default", model="behaving", version=1, deployment_id="d-1", addresses=(str(process.socket),)
        )
        with (
            gateway(tmp_path, broker.bootstrap, [route]) as served,
            # One connection that is there before, and stays.
            httpx.Client(base_url=served.url, timeout=60) as client,
        ):
            assert client.post(PATH, json=told(ANSWER)).status_code == 200
            wait_until(lambda: _metric(client, "tidegate_events_acked_total") == 1, 10, "an acknowledgement")
            broker.kill()
            before = _leave_no_descriptor(served)
            for _ in range(5):
                assert client.post(PATH, json=told(ANSWER)).status_code == 200
            # It looks into the stall, cannot, lives, and looks again.
            wait_until(lambda: _metric(client, "tidegate_event_stalls_total") >= 2, 60, "two looks into the stall")
            resource.prlimit(served.child.pid, resource.RLIMIT_NOFILE, before)
            broker.start()
            make_topic(broker.bootstrap)
            events = read_events(broker.bootstrap, 5, deadline_s=60)
            assert len({event["event_id"] for event in events}) == 5
            assert client.post(PATH, json=told(ANSWER)).status_code == 200
            wait_until(
                lambda: _metric(client, "tidegate_events_acked_total") == 7, 60, "all of them to be acknowledged"
            )
            wait_until(lambda: client.get("/readyz").status_code == 200, 60, "readiness")


def _leave_no_descriptor(served: GatewayProcess) -> tuple[int, int]:
    """The limits as they were."""
    pid = served.child.pid
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    lowest = next(number for number in range(len(taken) + 1) if number not in taken)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest, before[1]))
    return before


def _metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} ")), 0.0)
