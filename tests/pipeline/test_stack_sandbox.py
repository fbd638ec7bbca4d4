"""Runners of a whole stack in their sandbox: found by status, killed and restarted, drained, and never left over."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from model_runner.sandbox.plan import Mechanism
from tests.support.attacks import MECHANISMS, policy_of
from tests.support.models import EXAMPLE, write_classifier
from tests.support.stack import RunningStack, stack_of
from tests.support.waiting import wait_until
from tidegate.supervisor.leftovers import end_all

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zdGFjaw=="


@pytest.fixture(scope="module", params=MECHANISMS)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    policy_of(Mechanism(request.param))
    home = tmp_path_factory.mktemp("stack") / "home"
    running = stack_of(home, sandbox=str(request.param), webhook_secret=SECRET)
    try:
        running.tidegate("up")
        done = running.json("deploy", str(write_classifier(tmp_path_factory.mktemp("model") / "market")))
        assert [stage["name"] for stage in done["stages"]][1:5] == ["check", "scan", "environment", "load"]
        yield running
    finally:
        running.tidegate("down", "--now", check=False)
        end_all(str(home))


def _predict(stack: RunningStack) -> httpx.Response:
    return httpx.post(f"{stack.gateway_url}/v1/models/market/predict", json={"instances": [EXAMPLE]}, timeout=60)


def test_status_names_the_process_that_serves_and_it_holds_no_secret(stack: RunningStack) -> None:
    part = next(part for name, part in stack.parts().items() if name.startswith("runner-"))
    process = psutil.Process(part["pid"])
    assert "model_runner" in process.cmdline()
    assert part["memory_mb"] > 30, "that of Python and scikit-learn, not of the sandbox around them"
    boxes = [parent for parent in process.parents() if parent.name() == "bwrap"]
    assert (len(boxes) > 0) == (stack.settings.sandbox == "bubblewrap")
    for each in (process, *boxes):
        assert SECRET not in each.environ().values()
    wait_until(lambda: _predict(stack).status_code == 200, 10, "the gateway to reach it")
    assert "sandbox: " in Path(part["log"]).read_text()


def test_a_killed_runner_is_started_again_and_nothing_of_the_old_one_is_left(stack: RunningStack) -> None:
    before = stack.running()
    killed = stack.kill("runner")
    stack.wait_ready("runner", other_than=killed)
    wait_until(lambda: _predict(stack).status_code == 200, 10, "the gateway to reach it")
    wait_until(lambda: len(stack.running()) == len(before), 10, "the old sandbox to be gone")
    assert killed not in stack.running()


def test_a_supervisor_that_is_killed_takes_its_runners_with_it(stack: RunningStack) -> None:
    os.kill(stack.supervisor_pid(), signal.SIGKILL)
    wait_until(lambda: not [pid for pid in stack.running() if "model_runner" in _command(pid)], 10, "the runners' end")
    stack.tidegate("up")
    wait_until(lambda: _predict(stack).status_code == 200, 20, "the runner of before")


def test_down_leaves_nothing_running(stack: RunningStack) -> None:
    runner = psutil.Process(stack.pid("runner"))
    log = next(part["log"] for name, part in stack.parts().items() if name.startswith("runner-"))
    stack.tidegate("down")
    assert not runner.is_running()
    assert stack.running() == []
    assert "SIGKILL" not in Path(log).read_text()
    sockets = [path for path in stack.settings.run_path.rglob("*") if path.is_socket()]
    assert sockets == [], "a runner that drained has removed its own"


def _command(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []
