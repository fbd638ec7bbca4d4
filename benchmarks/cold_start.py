"""From a request for a model that sleeps to its answer."""

import time
from collections.abc import Iterator
from typing import Any

import httpx

from benchmarks.deploying import NAME as REGRESSION
from benchmarks.deploying import deploy_regression, rows
from benchmarks.report import Figure, Table
from benchmarks.run import Run
from tests.support.scripted import NAME as SCRIPTED
from tests.support.scripted import write_scripted
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

IDLE_S = 1.0
AWAKE = "awake"


def measure(run: Run) -> Iterator[Table]:
    """One table."""
    starts = run.choose(2, 7)
    with running_stack(run.scratch) as stack:
        folder = run.scratch / "regression"
        deploy_regression(stack, folder, f"[serving]\nidle_seconds = {IDLE_S}\n")
        stack.tidegate("deploy", str(write_scripted(run.scratch / SCRIPTED, f"idle_seconds = {IDLE_S}")))
        scripted = {"wait": 0.0}
        regression = rows(1, 3)[0]
        figures = [
            Figure("predict.py alone", tuple(_cold(stack, SCRIPTED, scripted) for _ in range(starts)), "s"),
            Figure("scikit-learn", tuple(_cold(stack, REGRESSION, regression) for _ in range(starts)), "s"),
            Figure(AWAKE, tuple(_ask(stack, REGRESSION, regression) for _ in range(starts)), "s"),
        ]
    yield Table(
        "Cold start",
        f"A model with `idle_seconds = {IDLE_S:g}` is left alone until it sleeps, then asked once: the time of that "
        "request, by the client. Of it up to 0.1 s are the supervisor's, which looks at the registry so often.",
        figures,
    )


def _cold(stack: RunningStack, model: str, row: dict[str, Any]) -> float:
    def asleep() -> bool:
        return all(one["asleep"] for one in stack.json("deployments", model)["deployments"])

    wait_until(asleep, 30, f"the sleep of {model}", 0.2)
    runner = f"runner-{stack.json('deployments', model)[0]['id']}"
    wait_until(lambda: runner not in stack.parts(), 30, "the end of its runner", 0.2)
    # Not just as it ends: a start would have to wait for that.
    time.sleep(1.0)
    return _ask(stack, model, row)


def _ask(stack: RunningStack, model: str, row: dict[str, Any]) -> float:
    began = time.perf_counter()
    answer = httpx.post(f"{stack.gateway_url}/v1/models/{model}/predict", json=row, timeout=60)
    answer.raise_for_status()
    return time.perf_counter() - began
