"""One process under its supervisor: whatever it says or does, it is watched, started again, and gone after a stop."""

import asyncio
import errno
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.support.lying_runner import LIES
from tests.support.waiting import wait_until
from tidegate.parts.readiness import ExitReady, SocketReady
from tidegate.parts.state import Condition
from tidegate.supervisor.part import Part, end_all
from tidegate.supervisor.plan import PartSpec, StopRank
from tidegate.supervisor.policy import RestartPolicy
from tidegate.supervisor.surroundings import Surroundings

FAST = RestartPolicy(first_s=0.01, longest_s=0.05, failing_after=3)
LIAR = """
import os, socket, sys, time
print("pid", os.getpid(), flush=True)
listener = socket.socket(fileno=os.dup(0))
while True:
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.sendall(bytes.fromhex(sys.argv[1]))
"""
GOOD = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
from tests.support.lying_runner import honest
from model_runner.wire.frames import Request
listener = socket.socket(fileno=os.dup(0))
while True:
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.sendall(honest(Request(1, "describe")))
    connection.close()
"""
ROOT = str(Path(__file__).parents[2])


def _part(folder: Path, *command: str, start_timeout_s: float = 60.0) -> Part:
    """A runner that is no sandbox: `command` after Python's `-c`."""
    (folder / "logs").mkdir(exist_ok=True)
    around = Surroundings(folder, folder / "logs", dict(os.environ), start_timeout_s, 20.0, lambda: None, FAST)
    spec = PartSpec(
        "runner-d1",
        command if command[0].startswith("/") else (sys.executable, "-c", *command),
        SocketReady(folder / "s"),
        StopRank.RUNNER,
        listens_at=folder / "s",
        is_a_models=True,
    )
    return Part(spec, around)


def _run(part: Part, test: Callable[[], Awaitable[None]], folder: Path) -> None:
    """The part is begun before, and stopped after; then nothing of it may be left."""

    async def run() -> None:
        part.begin()
        try:
            async with asyncio.timeout(60):
                await test()
        finally:
            await part.stop()
        assert part.state.condition is Condition.STOPPED
        assert part.state.pid is None

    asyncio.run(run())
    left = [each.pid for each in psutil.process_iter() if _works_in(each, folder)]
    assert left == []
    assert not (folder / "s").exists()


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  a part tells nobody of each of its states
        await asyncio.sleep(0.01)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.mark.parametrize("name", ["garbage", "framed garbage", "an answer that is nested without end", "an id of text"])
def test_a_runner_that_lies_to_its_probe_is_ended_started_again_and_gone_after_a_stop(
    tmp_path: Path, name: str
) -> None:
    part = _part(tmp_path, LIAR, LIES[name](1).hex(), start_timeout_s=0.3)

    async def test() -> None:
        await part.settled.wait()
        assert part.state.condition is Condition.FAILING
        assert "was not ready after 0.3 s" in part.state.detail
        await _until(lambda: part.state.restarts >= 2)

    _run(part, test, tmp_path)


def test_a_fault_in_what_watches_costs_one_life_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = 0

    async def not_ready(_: object) -> str | None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise ZeroDivisionError
        return None

    monkeypatch.setattr("tidegate.supervisor.part.not_ready", not_ready)
    part = _part(tmp_path, LIAR, "00")

    async def test() -> None:
        await part.ready.wait()
        assert part.state.restarts == 2

    _run(part, test, tmp_path)
    assert "ZeroDivisionError" in caplog.text


def test_what_cannot_be_started_now_is_started_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process to be had, as the kernel says it, and a program that is not there yet."""
    program = tmp_path / "program"
    part = _part(tmp_path, str(program))
    start: Callable[..., Coroutine[None, None, asyncio.subprocess.Process]] = asyncio.create_subprocess_exec
    refusals = iter([BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), RuntimeError("no thread")])

    async def refusing(*args: object, **options: object) -> asyncio.subprocess.Process:
        for refusal in refusals:
            raise refusal
        return await start(*args, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refusing)

    async def test() -> None:
        await _until(lambda: part.state.condition is Condition.FAILING)
        assert "cannot be started: No such file" in part.state.detail
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{GOOD}' {ROOT}\n")
        program.chmod(0o755)
        await part.ready.wait()
        assert part.failure is None

    _run(part, test, tmp_path)


def test_a_models_exit_code_says_nothing(tmp_path: Path) -> None:
    """2 is what our own processes say of settings that they cannot work with: those are not started again."""
    part = _part(tmp_path, "import os; os._exit(2)")

    async def test() -> None:
        await _until(lambda: part.state.restarts >= 5)
        assert part.state.condition is not Condition.FAILED

    _run(part, test, tmp_path)


def test_one_that_cannot_be_stopped_in_order_keeps_no_other_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    broken, good = (_part(folder, GOOD, ROOT) for folder in folders)

    async def fails() -> None:
        raise ZeroDivisionError

    async def run() -> None:
        for part in (broken, good):
            part.begin()
        for part in (broken, good):
            await part.ready.wait()
        monkeypatch.setattr(broken, "stop", fails)
        await end_all([broken, good])
        assert good.state.condition is Condition.STOPPED
        monkeypatch.undo()
        await broken.stop()

    asyncio.run(run())
    assert "could not be stopped" in caplog.text


def test_a_flood_of_words_is_bounded(tmp_path: Path) -> None:
    part = _part(tmp_path, "while True: print('x' * 1000)")

    async def test() -> None:
        folder = tmp_path / "logs"
        await _until(lambda: part.log.exists() and part.log.stat().st_size > 900_000)
        await asyncio.sleep(1)
        written = sum(path.stat().st_size for path in folder.iterdir())
        # What it may say at once, and what in the seconds since, however slow the machine is meanwhile.
        assert written < 3_000_000

    _run(part, test, tmp_path)
    wait_until(lambda: "bytes of this log were dropped" in _written(part), 10, "the log to say what it lacks")


def _written(part: Part) -> str:
    """Its log, which is not there for a moment where it is rotated."""
    try:
        return part.log.read_text()
    except FileNotFoundError:
        return ""


def test_a_job_says_all_before_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    around = Surroundings(tmp_path, tmp_path / "logs", dict(os.environ), 60.0, 20.0, lambda: None, FAST)
    command = (sys.executable, "-c", "print('word ' * 10_000)")
    part = Part(PartSpec("job", command, ExitReady(), StopRank.JOB), around)

    async def run() -> None:
        part.begin()
        assert await part.finished()

    asyncio.run(run())
    assert part.log.read_text() == f"{'word ' * 10_000}\n"


def test_a_part_that_could_not_drain_is_named(tmp_path: Path) -> None:
    """As the sink ends when ClickHouse has taken nothing, because its disk is full."""
    code = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(1))\nprint('up', flush=True)\ntime.sleep(60)"
    )
    models = _part(tmp_path, code)
    part = Part(replace(models.spec, is_a_models=False), models._around)

    async def up() -> None:
        await _until(lambda: "up" in part.log.read_text() if part.log.exists() else False)

    _run(part, up, tmp_path)
    assert part.state.detail == "ended with exit code 1 while it drained"


def test_a_part_that_is_held_is_gone_and_stays_so_until_it_is_released(tmp_path: Path) -> None:
    """As the stream workers are while there is no broker, whatever moment of their lives it is."""
    part = _part(tmp_path, GOOD, ROOT)

    async def test() -> None:
        for moment in (asyncio.Event(), part.ready):
            if moment is part.ready:
                await moment.wait()
            await part.hold()
            assert [each.pid for each in psutil.process_iter() if _works_in(each, tmp_path)] == []
            await _until(lambda: part.state.condition in (Condition.WAITING, Condition.BACKOFF))
            assert not part.ready.is_set()
            part.release()
        await part.ready.wait()

    _run(part, test, tmp_path)
