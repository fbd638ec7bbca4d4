"""kill -9 of the embedded broker under load: windows go on, and equal a recount of what ClickHouse holds."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.faults.test_stack_kill9 import write_model
from tests.support.clients import Clients
from tests.support.stack import RunningStack, running_stack
from tests.support.stored_windows import differs, stored, twice
from tests.support.waiting import wait_until

SEED = int(os.environ.get("TIDEGATE_FAULT_SEED", "20261126"))
KILLS = int(os.environ.get("TIDEGATE_FAULT_KILLS", "2"))
READERS = ("stream-0", "stream-1", "sink", "notifier")


@pytest.mark.slow
def test_windows_equal_a_recount_after_the_broker_was_killed(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    with running_stack(tmp_path, stream_workers=2, evaluate_s=0.5) as stack:
        stack.json("deploy", str(write_model(tmp_path / "model")))
        with Clients(f"{stack.gateway_url}/v1/models/market/predict", SEED) as clients:
            for _ in range(KILLS):
                await_events(stack)
                time.sleep(rng.uniform(0.0, 1.5))  # where in the flow the kill strikes is part of the seeded schedule
                kill_broker(stack)
            await_events(stack)
        wait_until(lambda: differs(stack) == {}, 60, "windows that equal a recount", every_s=0.5)
        print(f"kills={KILLS} seed={SEED} answers={dict(clients.answers)} stored={stored(stack)}")
        assert differs(stack) == {}
        assert twice(stack) == []


def await_events(stack: RunningStack) -> None:
    before = stored(stack)
    wait_until(lambda: stored(stack) > before + 50, 60, "events that land")


def kill_broker(stack: RunningStack) -> None:
    """And wait for all that are started afresh because of it."""
    before = {name: stack.pid(name) for name in READERS}
    stack.wait_ready("broker", other_than=stack.kill("broker"))
    for name, pid in before.items():
        stack.wait_ready(name, other_than=pid)
