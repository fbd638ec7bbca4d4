"""What is kept lives, what dies is heard, and nobody starts a task or a thread in another way."""

import ast
import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, cast

import httpx
import pytest

from gateway.app import create_app
from gateway.config import GatewayConfig
from gateway.emission.producing import ProducerConfig
from gateway.routing.routes import RouteCache, RouteTable
from model_runner import watched
from stream import watched as stream_watched
from stream.watched import Watched
from tests.support.ports import free_ports
from tidegate import monitor

P = ParamSpec("P")
ROOT = Path(__file__).parents[2]
PACKAGES = ("model_runner", "gateway", "stream", "storage", "tidegate", "web", "dashboards")
BARE = {
    "create_task",
    "ensure_future",
    "Thread",
    "Timer",
    "run_in_executor",
    "ThreadPoolExecutor",
    "start_new_thread",
    "wait_for",  # of Python 3.11: it loses cancellations; `async with asyncio.timeout(...)` does not
}
MAY = {
    ("model_runner/watched.py", "create_task"): "the one place",
    ("model_runner/watched.py", "Thread"): "the one place",
    ("stream/watched.py", "create_task"): "the one place of a package that imports no other",
    ("tidegate/demo/sender.py", "create_task"): "of a TaskGroup, which raises what its tasks raise",
    ("storage/sink/service.py", "ThreadPoolExecutor"): "the main loop takes every result",
    ("storage/clickhouse_server/service.py", "ThreadPoolExecutor"): "its one use has a callback that hears its errors",
    ("storage/clickhouse_server/service.py", "run_in_executor"): "likewise",
    ("model_runner/environment/uv.py", "Timer"): "kills one process; who waits for that sees whether it did",
}


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def bare_starts() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if name in BARE:
                        yield str(path.relative_to(ROOT)), name


def test_nobody_starts_a_task_or_a_thread_unwatched() -> None:
    found = set(bare_starts())
    assert found - MAY.keys() == set(), "start it by model_runner/watched.py (stream/watched.py), or say here why not"
    assert MAY.keys() - found == set(), "these are gone: take them off the list"


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(watched, "on_death", [heard.append])
    monkeypatch.setattr(watched, "_kept", {})
    monkeypatch.setattr(watched, "FIRST_PAUSE_S", 0.01)
    return heard


@in_a_loop
async def test_a_kept_task_is_started_again_and_readiness_says_why(
    deaths: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    lives, well = [0], asyncio.Event()

    async def work() -> None:
        lives[0] += 1
        if lives[0] < 4:
            raise OSError(24, "Too many open files")
        well.set()
        await asyncio.Event().wait()

    task = watched.keep(work, "collector")
    await asyncio.wait_for(well.wait(), 60)
    assert deaths == ["collector"] * 3
    assert "collector (OSError: [Errno 24] Too many open files)" in (watched.trouble() or "")
    assert "collector died: OSError" in caplog.text
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_a_kept_thread_is_started_again_until_it_returns(deaths: list[str]) -> None:
    lives = [0]

    def work() -> None:
        lives[0] += 1
        if lives[0] < 3:
            raise RuntimeError("no")

    thread = watched.keep_thread(work, "collector")
    thread.join(60)
    assert lives == [3]
    assert deaths == ["collector"] * 2


def test_trouble_passes(deaths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("model_runner.watched.time.monotonic", lambda: now[0])
    monkeypatch.setattr("model_runner.watched.time.sleep", lambda _: None)
    seen: list[str | None] = []

    def work() -> None:
        seen.append(watched.trouble())
        if len(seen) == 1:
            raise RuntimeError("once")

    watched._keep_going(work, "collector")
    assert seen == [None, "collector (RuntimeError: once)"]
    now[0] += 5
    assert watched.trouble() is None
    assert deaths == ["collector"]


@in_a_loop
async def test_what_is_begun_is_heard_when_it_dies(deaths: list[str], caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ValueError("lost")

    def threads_work() -> None:
        raise ValueError("lost too")

    task = watched.begin(work(), "errand")
    await asyncio.wait([task])
    await asyncio.to_thread(watched.begin_thread(threads_work, "errand in a thread").join, 30)
    assert sorted(deaths) == ["errand", "errand in a thread"]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert watched.trouble() is None


@pytest.mark.parametrize("cancelled", [watched.cancelled, stream_watched.cancelled])
def test_a_task_that_loses_a_cancellation_ends(
    cancelled: Callable[[list[asyncio.Task[None]]], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that waits by `asyncio.wait_for`, where both come in one turn of the loop."""
    for module in (watched, stream_watched):
        monkeypatch.setattr(module, "CANCEL_AGAIN_S", 0.01)
    waited = 0

    async def loses(event: asyncio.Event) -> None:
        nonlocal waited
        while True:
            await asyncio.wait_for(event.wait(), 60)
            event.clear()
            waited += 1

    async def test() -> None:
        event = asyncio.Event()
        task = watched.awaited(loses(event))
        await asyncio.sleep(0)
        while waited < 3:
            event.set()
            await asyncio.sleep(0)
        event.set()
        await asyncio.sleep(0)
        await cancelled([task])
        assert task.cancelled()

    asyncio.run(test())


@in_a_loop
async def test_a_cancelled_task_did_not_die(deaths: list[str]) -> None:
    task = watched.begin(asyncio.sleep(60), "errand")
    task.cancel()
    await asyncio.wait([task])
    assert deaths == []


@in_a_loop
async def test_an_ended_task_of_the_stream_is_trouble() -> None:
    async def fails() -> None:
        raise KeyError("state")

    async def returns() -> None:
        return

    for work, said in (
        (fails, "the task reader failed: KeyError('state')"),
        (returns, "the task reader ended by itself"),
    ):
        tasks = Watched()
        tasks.start(asyncio.Event().wait(), "other")  # type: ignore[arg-type]  # what it returns does not matter
        tasks.start(work(), "reader")
        assert tasks.trouble() is None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert tasks.trouble() == said
        await tasks.stop()
        assert tasks.trouble() is None


def _pass(gate: threading.Event) -> None:
    assert gate.wait(60)


def test_threads_of_ours_are_daemons(deaths: list[str]) -> None:
    gate = threading.Event()
    thread = watched.begin_thread(lambda: _pass(gate), "errand")
    assert thread.daemon
    gate.set()
    thread.join(60)
    assert deaths == []


def test_readiness_of_every_process_says_what_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the gateway, and of those that serve nothing else."""
    dead = watched._Death("OSError: no descriptor", time.monotonic() + 60)
    monkeypatch.setattr(watched, "_kept", {"kafka-delivery": dead})
    config = GatewayConfig(ProducerConfig("127.0.0.1:1", "inference.events"), flush_s=0.1)
    gateway = create_app(config, Routes())

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(cast(Any, gateway)), base_url="http://127.0.0.1"
        ) as client:
            return await client.get("/readyz")

    server = monitor.serve(free_ports(1)[0], lambda: None)
    try:
        monitored = httpx.get(f"http://127.0.0.1:{server.server_address[1]}/readyz", timeout=60)
    finally:
        server.shutdown()
        server.server_close()
    monkeypatch.setattr(RouteCache, "loaded", property(lambda _: True, lambda _, __: None), raising=False)
    for answer in (asyncio.run(ask()), monitored):
        assert (answer.status_code, answer.text) == (503, "waiting for kafka-delivery (OSError: no descriptor)\n")


class Routes:
    def load(self) -> RouteTable:
        return RouteTable(())
