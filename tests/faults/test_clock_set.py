"""A wall clock that is set while everything runs: nothing is lost, nothing counted twice, and `down` drains."""

from pathlib import Path

import httpx
import pytest

from tests.faults.test_suspend import restarts
from tests.support.models import EXAMPLE, write_classifier
from tests.support.shifted_clock import shifted_clock
from tests.support.stack import RunningStack, stack_of
from tests.support.stored_windows import differs, rows, stored, twice
from tests.support.waiting import wait_until

HOUR_S = 3600
SETTINGS = (2 * HOUR_S, -3 * HOUR_S, 0, 3 * HOUR_S)
"""Seconds beside the machine's clock, one after the other; at last what comes is the newest."""
EACH = 40


@pytest.mark.slow
def test_a_clock_that_is_set_loses_nothing_and_holds_nothing_up(tmp_path: Path) -> None:
    clock = shifted_clock(tmp_path)
    stack = stack_of(tmp_path / "home", evaluate_s=0.5)
    stack.env.update(clock.environment)
    try:
        stack.tidegate("up")
        stack.json("deploy", str(write_classifier(tmp_path / "model")))
        before = restarts(stack)
        predict(stack)
        for number, seconds in enumerate(SETTINGS, start=1):
            clock.set(seconds)
            predict(stack)
            until_stored(stack, (number + 1) * EACH)
        # What goes back in time stays behind the newest window, and is counted in its own.
        newest = "SELECT argMax(events, ts) FROM service_metrics WHERE `window` = '1m'"
        wait_until(lambda: rows(stack, newest) == [(EACH,)], 60, "a window of the last events", every_s=0.5)
        wait_until(lambda: not differs(stack), 60, "windows that equal a recount", every_s=0.5)
        assert restarts(stack) == before

        predict(stack)
        clock.set(-5 * HOUR_S)
        stopped = stack.tidegate("down")
        assert "killed" not in stopped.stdout + stopped.stderr
        stack.tidegate("up")
        assert stored(stack) == (len(SETTINGS) + 2) * EACH
        assert twice(stack) == []
    finally:
        stack.tidegate("down", "--now", check=False)


def until_stored(stack: RunningStack, events: int) -> None:
    wait_until(lambda: stored(stack) == events, 60, f"{events} events in ClickHouse", every_s=0.3)


def predict(stack: RunningStack) -> None:
    with httpx.Client(timeout=60) as client:
        for _ in range(EACH):
            answer = client.post(f"{stack.gateway_url}/v1/models/market/predict", json=EXAMPLE)
            assert answer.status_code == 200, answer.text
