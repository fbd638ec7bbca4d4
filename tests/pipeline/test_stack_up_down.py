"""The stack as a user starts, watches and stops it."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.stack import RunningStack, running_stack, stack_of
from tests.support.waiting import wait_until

ALWAYS = {"broker", "clickhouse", "prepare", "stream-0", "sink", "notifier", "deployer", "gateway"}
BROKER_MB = 80
"""Several times what an idle broker takes; the last test of this stack fills it."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("stack"), broker_memory_mb=BROKER_MB) as running:
        yield running


def test_up_returns_when_every_part_is_ready(stack: RunningStack) -> None:
    state = stack.json("status")

    assert state["phase"] == "running"
    assert {part["name"]: part["condition"] for part in state["parts"]} == {
        name: "done" if name == "prepare" else "ready" for name in ALWAYS
    }
    assert httpx.get(f"{stack.gateway_url}/readyz").status_code == 200


def test_a_second_up_finds_the_first(stack: RunningStack) -> None:
    before = stack.running()

    again = stack.json("up")

    assert again["already_running"] is True
    assert stack.running() == before
    assert "already" in stack.tidegate("up").stdout


def test_a_second_stack_on_the_same_ports_says_which_are_taken_and_by_whom(stack: RunningStack, tmp_path: Path) -> None:
    other = stack_of(tmp_path / "other", gateway_port=stack.settings.gateway_port)

    failed = other.tidegate("up", check=False)

    assert failed.returncode == 1
    assert f"Port {stack.settings.gateway_port} is taken by" in failed.stderr
    assert f"(pid {stack.pid('gateway')})" in failed.stderr
    assert "TIDEGATE_GATEWAY_PORT" in failed.stderr
    assert other.running() == []


@pytest.mark.parametrize("name", ["gateway", "sink", "notifier", "deployer", "stream-0", "clickhouse"])
def test_a_killed_part_is_started_again(stack: RunningStack, name: str) -> None:
    restarts = stack.parts()[name]["restarts"]

    killed = stack.kill(name)
    stack.wait_ready(name, other_than=killed)

    assert stack.parts()[name]["restarts"] == restarts + 1


def test_a_killed_broker_comes_back_with_its_topics_and_readers(stack: RunningStack) -> None:
    readers = {name: stack.pid(name) for name in ("sink", "notifier", "stream-0")}

    killed = stack.kill("broker")
    stack.wait_ready("broker", other_than=killed)
    for name, before in readers.items():
        stack.wait_ready(name, other_than=before)

    topics = stack.json("topics")
    assert {topic["outcome"] for topic in topics} == {"unchanged"}


def test_the_idle_stack_stays_under_its_memory(stack: RunningStack) -> None:
    for name in ALWAYS - {"prepare"}:
        stack.wait_ready(name)

    assert stack.json("status")["memory_mb"] < 1200


def test_logs_carry_the_name_of_their_process(stack: RunningStack) -> None:
    lines = stack.tidegate("logs", "gateway", "-n", "3").stdout.splitlines()

    assert lines
    assert all(line.startswith("gateway ") and " | " in line for line in lines)
    unknown = stack.tidegate("logs", "gatway", check=False)
    assert unknown.returncode == 2
    assert "gateway" in unknown.stderr


def test_down_leaves_nothing_running_and_up_works_again(stack: RunningStack) -> None:
    assert len(stack.running()) >= len(ALWAYS) - 1
    (stack.settings.run_path / "state.json").write_bytes(b'{"v":2,"pid":1,')
    stopped = stack.tidegate("down")

    assert "stopped" in stopped.stdout
    assert "killed" not in stopped.stdout, "it was asked to stop, and drained"
    assert stack.running() == []
    after = stack.tidegate("status", check=False)
    assert after.returncode == 3
    assert "tidegate up" in after.stderr
    stack.tidegate("up")
    assert stack.json("status")["phase"] == "running"


def test_a_killed_supervisor_takes_its_processes_with_it(stack: RunningStack) -> None:
    os.kill(stack.supervisor_pid(), signal.SIGKILL)

    wait_until(lambda: not stack.running(), 10, "all processes to end")

    told = stack.tidegate("status", check=False)
    assert told.returncode == 3
    assert "ended without stopping" in told.stdout
    stack.tidegate("up")


def test_a_broker_that_takes_too_much_memory_stops_the_stack_with_a_reason(stack: RunningStack) -> None:
    _fill(stack.settings.bootstrap, megabytes=2 * BROKER_MB)

    wait_until(lambda: not stack.running(), 60, "the stack to stop")

    state = json.loads(stack.tidegate("status", "--json", check=False).stdout)
    assert "TIDEGATE_BROKER_MEMORY_MB" in state["error"]


def test_a_kafka_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        own = stack_of(tmp_path / "home", kafka_bootstrap=address)
        failed = own.tidegate("up", check=False)

    assert failed.returncode == 1
    assert address in failed.stderr
    assert "TIDEGATE_KAFKA_BOOTSTRAP" in failed.stderr
    assert own.running() == []


def _fill(bootstrap: str, megabytes: int) -> None:
    from tests.support.kafka import create_topic, producer

    create_topic(bootstrap, "ballast")
    writer = producer(bootstrap)
    for _ in range(megabytes * 2):
        writer.produce("ballast", os.urandom(500_000))
        writer.poll(0)
    assert writer.flush(30) == 0
