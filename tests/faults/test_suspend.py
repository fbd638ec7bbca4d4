"""A machine that sleeps: every process stands still for longer than any session lasts, and goes on where it was."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from stream.exact.faust_app import SESSION_TIMEOUT_S
from tests.faults.test_stack_kill9 import write_model
from tests.support.clients import Clients
from tests.support.stack import RunningStack, running_stack
from tests.support.stored_windows import differs, rows, stored, twice
from tests.support.waiting import wait_until

ASLEEP_S = SESSION_TIMEOUT_S + 15.0
"""Real seconds: what is tested is that time passes while nobody looks."""


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_restarts_when_all_processes_slept(tmp_path: Path) -> None:
    acked = tmp_path / "acked"
    with running_stack(tmp_path, stream_workers=2, evaluate_s=0.5, acked_log=acked) as stack:
        stack.json("deploy", str(write_model(tmp_path / "model")))
        before = restarts(stack)
        with Clients(f"{stack.gateway_url}/v1/models/market/predict", 7) as clients:
            wait_until(lambda: stored(stack) > 50, 60, "events that land")
            sleep(stack.running())
            landed = stored(stack)
            wait_until(lambda: stored(stack) > landed + 50, 60, "events that land after it")
        wait_until(lambda: differs(stack) == {}, 60, "windows that equal a recount", every_s=0.5)
        ids = set(acked.read_text().split())
        wait_until(lambda: ids <= landed_ids(stack), 60, "every acknowledged event in ClickHouse", every_s=0.5)

        assert clients.answers.keys() == {"200"}
        assert twice(stack) == []
        assert restarts(stack) == before


def sleep(pids: list[int]) -> None:
    _send(pids, signal.SIGSTOP)
    try:
        time.sleep(ASLEEP_S)
    finally:
        _send(pids, signal.SIGCONT)


def _send(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a command that had ended by now
            os.kill(pid, what)


def restarts(stack: RunningStack) -> dict[str, Any]:
    return {name: part["restarts"] for name, part in stack.parts().items()}


def landed_ids(stack: RunningStack) -> set[str]:
    return {row[0] for row in rows(stack, "SELECT event_id FROM inference_events")}
