"""Runners of a whole stack in their sandbox: found by status, killed and restarted, drained, and never left over."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from model_runner.sandbox.plan import Mechanism
from tests.support.attacks import MECHANISMS, policy_of, write_attacker
from tests.support.git_client import Clone, remote_url
from tests.support.models import EXAMPLE, write_classifier
from tests.support.stack import RunningStack, stack_of
from tests.support.waiting import wait_until
from tidegate.parts.leftovers import end_all

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
    part = next(part for part in stack.json("status")["parts"] if part["name"].startswith("runner-"))
    process = psutil.Process(part["pid"])
    assert "model_runner" in process.cmdline()
    assert part["memory_mb"] > 30, "that of Python and scikit-learn, not of the sandbox around them"
    boxes = [parent for parent in process.parents() if parent.name() == "bwrap"]
    assert (len(boxes) > 0) == (stack.settings.sandbox == "bubblewrap")
    for each in (process, *boxes):
        assert SECRET not in each.environ().values()
    wait_until(lambda: _predict(stack).status_code == 200, 10, "the gateway to reach it")
    assert "sandbox: " in Path(part["log"]).read_text()


@pytest.fixture(scope="module")
def attacker(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A hostile model, live beside the other by a `git push` of anybody who may deploy."""
    clone = Clone(tmp_path_factory.mktemp("attacker") / "clone", remote_url(stack, "attacker"))
    write_attacker(clone.folder, limits='memory = "400MB"\ncpus = 1')
    clone.commit()
    pushed = clone.push()
    assert pushed.code == 0, pushed
    with httpx.Client(base_url=f"{stack.gateway_url}/v1/models/attacker", timeout=60) as client:
        wait_until(lambda: _attempt(client, "answer", "42") == "GOT 42", 60, "the attacker to serve")
        yield client


def _attempt(attacker: httpx.Client, act: str, target: object = "") -> str:
    answer = attacker.post("/predict", json={"act": act, "target": str(target)})
    return str(answer.json()["prediction"]) if answer.status_code == 200 else answer.text


def test_an_attacker_reads_nothing_of_the_stack(stack: RunningStack, attacker: httpx.Client) -> None:
    home = stack.settings.home_path
    others = [path for path in home.rglob("market/**/model.joblib") if path.is_file()]
    others += [path for path in home.rglob("model.joblib") if path.is_file()]
    assert len(others) > 1, "as it was stored, and as it is served"
    secret = [stack.settings.token_path, *home.glob("*.sqlite"), *home.glob("runner-key"), *home.glob("logs/*.log")]
    for path in {*others, *secret}:
        assert path.read_bytes(), "there is something to be read"
        for act in ("read", "write", "truncate", "remove"):
            assert "stopped by" in _attempt(attacker, act, path), (act, path)
        assert path.exists()
    token = stack.settings.token_path.read_text().strip()
    environments = _attempt(attacker, "environments", f"{SECRET} {max(stack.running())}")
    assert "no process shows it" in environments
    assert token not in _attempt(attacker, "read", "/proc/self/environ")


def test_an_attacker_reaches_no_part_of_the_stack(stack: RunningStack, attacker: httpx.Client) -> None:
    settings = stack.settings
    sockets = [path for path in settings.run_path.rglob("*") if path.is_socket()]
    assert len(sockets) > 2, "of the deployer, and of both runners"
    for path in sockets:
        with socket.socket(socket.AF_UNIX) as own:
            own.connect(str(path))
        for act in ("connect_unix", "datagram_pair", "stream_pair"):
            assert "stopped by" in _attempt(attacker, act, path), (act, path)
    monitors = [settings.monitor_port + nth for nth in (0, 1)]
    for port in (settings.gateway_port, settings.broker_port, settings.clickhouse_port, *monitors):
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
        assert "stopped by" in _attempt(attacker, "connect", port), port
        assert "stopped by" in _attempt(attacker, "send_datagram", port), port
    # With Landlock alone it may signal itself; with bubblewrap its number is one of its own world.
    own_pid = int(_attempt(attacker, "read", "/proc/self/stat").removeprefix("GOT ").split()[0])
    others = {*stack.running(), stack.supervisor_pid()} - {own_pid}
    assert stack.pid("gateway") in others
    for pid in others:
        assert "stopped by" in _attempt(attacker, "signal_other", pid), (pid, _command(pid))


def test_an_attacker_takes_no_more_than_its_limits(stack: RunningStack, attacker: httpx.Client) -> None:
    for act in ("fork", "spawn", "affinity", "priority", "raise_limit", "shared_anonymous", "grows_down"):
        assert "stopped by" in _attempt(attacker, act), act
    said = attacker.post("/predict", json={"act": "memory", "target": ""})
    assert said.status_code >= 500, "it took all that it may have, which ends at most itself"
    wait_until(lambda: _attempt(attacker, "answer", "42") == "GOT 42", 60, "it to serve again, as everybody does")
    assert _predict(stack).status_code == 200


def test_a_killed_runner_is_started_again_and_nothing_of_the_old_one_is_left(stack: RunningStack) -> None:
    killed = stack.pid("runner")
    old = _sandbox_of(killed, stack.supervisor_pid())
    os.kill(killed, signal.SIGKILL)
    stack.wait_ready("runner", other_than=killed)
    wait_until(lambda: _predict(stack).status_code == 200, 10, "the gateway to reach it")
    wait_until(lambda: not old & set(stack.running()), 10, "the old sandbox to be gone")


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


def _sandbox_of(pid: int, supervisor: int) -> set[int]:
    """The process, what it started, and what holds it."""
    own = psutil.Process(pid)
    around = [parent.pid for parent in own.parents()]
    assert supervisor in around
    return {pid, *(child.pid for child in own.children(recursive=True)), *around[: around.index(supervisor)]}


def _command(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []
