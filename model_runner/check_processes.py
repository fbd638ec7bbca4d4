"""The processes of a check: one that scans the folder's pickles, one that serves it; both confined."""

import asyncio
import os
import shutil
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from model_runner.client import ClientConfig, RunnerClient
from model_runner.endings import how_ended
from model_runner.errors import ModelError
from model_runner.failures import RunnerError
from model_runner.frames import RunnerInfo
from model_runner.launch import Launch, RunnerPython, runner_command, scan_command
from model_runner.limits import over_load_time, over_memory
from model_runner.refused import says_out_of_memory
from model_runner.report import read_error
from model_runner.sandbox.cgroup import out_of_memory
from model_runner.sandbox.permissions import open_to_all, open_up, writable_folder
from model_runner.sandbox.plan import Confinement

_DEPLOYMENT = "check"
_LOG_BYTES = 65_536


@dataclass(frozen=True)
class Room:
    """Where a check happens."""

    folder: Path
    """The model folder, which the processes can read."""
    box: Path
    """The one folder that they can write to."""
    log: Path
    confinement: Confinement

    @property
    def socket(self) -> Path:
        return self.box / "s"

    @property
    def load_s(self) -> float:
        return self.confinement.limits.load_seconds or 60.0


def make_room(scratch: Path, folder: Path, confinement: Confinement) -> Room:
    """Folders for one process within `scratch`, which is made."""
    scratch.mkdir(exist_ok=True)
    uid = confinement.uid
    if uid is not None and not open_to_all(folder):
        copy = scratch / "model"
        shutil.copytree(folder, copy)
        open_up(copy)
        folder = copy
    return Room(folder, writable_folder(scratch / "b", uid), scratch / "log", confinement)


async def scan(room: Room) -> None:
    """Look through the folder's pickles.

    Raises:
        ModelError: one is refused.
    """
    process = await _start(scan_command(room.folder, room.box, confinement=room.confinement), room)
    try:
        await asyncio.wait_for(process.wait(), room.load_s)
    except TimeoutError:
        raise _in_stage("scan", over_load_time("model", room.load_s)) from None
    finally:
        await _end(process)
    if process.returncode:
        raise _in_stage("scan", _death(process.returncode, room, "was scanned"))


@asynccontextmanager
async def serving(room: Room, python: RunnerPython) -> AsyncIterator[tuple[RunnerClient, RunnerInfo]]:
    """A process that serves the folder, once its model is loaded and warm.

    Raises:
        ModelError: why it is not.
    """
    launch = runner_command(room.folder, room.socket, _DEPLOYMENT, python=python, confinement=room.confinement)
    process = await _start(launch, room)
    client = RunnerClient(room.socket, ClientConfig(timeout_s=room.load_s, reconnect_s=room.load_s))
    try:
        yield client, await _await_ready(client, process, room)
    finally:
        await client.close()
        await _end(process)


async def _end(process: Process) -> None:
    """It, and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _await_ready(client: RunnerClient, process: Process, room: Room) -> RunnerInfo:
    deadline = time.monotonic() + room.load_s
    while (left := deadline - time.monotonic()) > 0:
        if process.returncode is not None:
            raise _in_stage("load", _death(process.returncode, room, "was loaded"))
        asking = asyncio.ensure_future(client.describe())
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait({asking, ended}, return_when=asyncio.FIRST_COMPLETED, timeout=left)
        for task in (asking, ended):
            task.cancel()
        info = await _result_of(asking)
        if info is not None and info.state == "ready":
            return info
        await asyncio.sleep(0.02)
    raise _in_stage("load", over_load_time("model", room.load_s))


async def _start(launch: Launch, room: Room) -> Process:
    with room.log.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *launch.argv,
            env=launch.env,
            cwd="/",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _result_of(asking: asyncio.Future[RunnerInfo]) -> RunnerInfo | None:
    try:
        return await asking
    except (RunnerError, asyncio.CancelledError):
        return None


def _in_stage(stage: str, error: ModelError) -> ModelError:
    error.stage = stage
    return error


def _death(code: int, room: Room, doing: str) -> ModelError:
    log = _tail(room.log)
    told = read_error(log)
    if told is not None:
        return told
    limits, group = room.confinement.limits, room.confinement.cgroup
    if says_out_of_memory(log) or (group is not None and out_of_memory(group)):
        return over_memory("model", limits, doing)
    tail = "\n".join(log.strip().splitlines()[-12:]) or "it wrote nothing"
    problem = f"ended its process while it {doing} ({how_ended(code)})"
    return ModelError("model", problem, f"The end of its log:\n{tail}")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_BYTES))
        return file.read().decode("utf-8", "replace")
