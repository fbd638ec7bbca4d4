"""The processes of a check: one reads the folder's data, one scans its pickles, one serves it; all confined."""

import asyncio
import os
import shutil
import signal
import socket
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from model_runner import watched
from model_runner.checking.host import Ending, Host, Running, why_ended, why_reader_ended
from model_runner.errors import ModelError
from model_runner.folder.own_files import MOST_BYTES, OwnFiles, unpacked
from model_runner.limits import over_load_time
from model_runner.process.launch import Launch, RunnerPython, reading_command, runner_command, scan_command
from model_runner.process.listening import bind
from model_runner.process.said import Said
from model_runner.process.starting import start_patiently
from model_runner.sandbox.cgroup import out_of_memory
from model_runner.sandbox.permissions import open_to_all, open_up
from model_runner.sandbox.plan import Confinement
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerError
from model_runner.wire.frames import RunnerInfo

_DEPLOYMENT = "check"
_LAST_WORDS_S = 2.0
"""What it said is read to its end, unless somebody else holds the pipe open."""
_READ_BYTES = 1_048_576


@dataclass(frozen=True)
class Room:
    """Where a check happens."""

    folder: Path
    """The model folder, which the process can read."""
    socket: Path
    """Where it is asked. It lies where the process cannot write: there is no such place."""
    confinement: Confinement
    said: Said = field(default_factory=Said)

    @property
    def load_s(self) -> float:
        return self.confinement.limits.load_seconds or 60.0


def make_room(scratch: Path, folder: Path, confinement: Confinement) -> Room:
    """Place for one process within `scratch`, which is made."""
    scratch.mkdir(mode=0o700, exist_ok=True)
    uid = confinement.uid
    if uid is not None and not open_to_all(folder):
        copy = scratch / "model"
        shutil.copytree(folder, copy)
        open_up(copy)
        folder = copy
    return Room(folder, scratch / "s", confinement)


async def scan(room: Room) -> None:
    """Look through the folder's pickles.

    Raises:
        ModelError: one is refused.
    """
    async with _running(scan_command(room.folder, confinement=room.confinement), room) as running:
        try:
            async with asyncio.timeout(room.load_s):
                await running.process.wait()
        except TimeoutError:
            raise _in_stage("scan", over_load_time("model", room.load_s)) from None
        if running.process.returncode:
            raise _in_stage("scan", await running.death("was scanned"))


async def read_files(room: Room, file: str) -> OwnFiles:
    """What the folder's data files say; `file` is to blame where the reader cannot tell.

    Raises:
        ModelError: one cannot be read, or holds too much.
    """
    launch = reading_command(room.folder, confinement=room.confinement)
    async with _running(launch, room, has_output=True) as running:
        try:
            async with asyncio.timeout(room.load_s):
                content = await _output(running.process)
        except TimeoutError:
            raise _in_stage("check", over_load_time(file, room.load_s)) from None
        if running.process.returncode:
            raise _in_stage("check", await running.death_of_reader(file))
    return unpacked(content)


async def _output(process: Process) -> bytes:
    """Raises ModelError where it writes more than it may."""
    content = bytearray()
    while process.stdout is not None and (chunk := await process.stdout.read(_READ_BYTES)):
        content += chunk
        if len(content) > MOST_BYTES:
            raise ModelError("reference", f"has more than {MOST_BYTES:,} bytes of values", "Take fewer rows")
    await process.wait()
    return bytes(content)


@asynccontextmanager
async def serving(
    room: Room, python: RunnerPython, host: Host | None = None
) -> AsyncIterator[tuple[RunnerClient, RunnerInfo, bool]]:
    """A process that serves the folder, once its model is loaded and warm, and whether it is the host's.

    Args:
        host: asked for the process first; without one, or where it has none, it is our own.

    Raises:
        ModelError: why it is not.
    """
    async with AsyncExitStack() as ending:
        found: Running | None = None
        if host is not None:
            found = await ending.enter_async_context(host.running(room.folder, room.confinement.limits))
        running = await ending.enter_async_context(_own(room, python)) if found is None else found
        client = RunnerClient(running.socket, ClientConfig(timeout_s=room.load_s, reconnect_s=room.load_s))
        ending.push_async_callback(client.close)
        if found is not None:
            ending.callback(watched.awaited(_told_to_load(client)).cancel)
        yield client, await _await_ready(client, running, room.load_s), found is not None


@asynccontextmanager
async def _own(room: Room, python: RunnerPython) -> AsyncIterator[Running]:
    launch = runner_command(room.folder, _DEPLOYMENT, python=python, confinement=room.confinement)
    with bind(room.socket) as listener:
        async with _running(launch, room, listener) as running:
            listener.close()
            yield running


@dataclass(frozen=True)
class _Running:
    process: Process
    room: Room
    listening: asyncio.Task[None]

    @property
    def socket(self) -> Path:
        return self.room.socket

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None

    async def wait(self) -> int:
        return await self.process.wait()

    async def end(self) -> None:
        """It, and whatever it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        self.listening.cancel()

    async def death(self, doing: str) -> ModelError:
        """Why it ended."""
        return why_ended(await self._ending(), self.room.folder, self.room.confinement.limits, doing)

    async def death_of_reader(self, file: str) -> ModelError:
        """The same of one that parses a file."""
        return why_reader_ended(await self._ending(), file, self.room.confinement.limits)

    async def _ending(self) -> Ending:
        await asyncio.wait({self.listening}, timeout=_LAST_WORDS_S)
        cgroup = self.room.confinement.cgroup
        killed = cgroup is not None and out_of_memory(cgroup)
        return Ending(self.process.returncode or 0, self.room.said.text, is_out_of_memory=killed)


@asynccontextmanager
async def _running(
    launch: Launch, room: Room, listener: socket.socket | None = None, *, has_output: bool = False
) -> AsyncIterator[_Running]:
    """It has ended when the block has. With an output of its own, only its errors are what it said."""
    process = await start_patiently(
        lambda: asyncio.create_subprocess_exec(
            *launch.argv,
            env=launch.env,
            cwd="/",
            stdin=DEVNULL if listener is None else listener.fileno(),
            stdout=PIPE,
            stderr=PIPE if has_output else STDOUT,
            start_new_session=True,
        )
    )
    said = process.stderr if has_output else process.stdout
    assert said is not None  # noqa: S101 - it was asked for
    running = _Running(process, room, watched.awaited(room.said.listen(said)))
    try:
        yield running
    finally:
        await running.end()


async def _told_to_load(client: RunnerClient) -> None:
    with suppress(RunnerError):  # who awaits it finds out
        await client.load()


async def _await_ready(client: RunnerClient, running: Running, load_s: float) -> RunnerInfo:
    deadline = time.monotonic() + load_s
    while (left := deadline - time.monotonic()) > 0:
        if running.has_ended:
            raise _in_stage("load", await running.death("was loaded"))
        asking = watched.awaited(client.describe())
        ended = watched.awaited(running.wait())
        await asyncio.wait({asking, ended}, return_when=asyncio.FIRST_COMPLETED, timeout=left)
        for task in (asking, ended):
            task.cancel()
        info = await _result_of(asking)
        if ended.done() and not ended.cancelled():
            ended.result()  # raises what is to blame instead of the model
        if info is not None and info.state == "ready":
            return info
        await asyncio.sleep(0.02)
    raise _in_stage("load", over_load_time("model", load_s))


async def _result_of(asking: asyncio.Future[RunnerInfo]) -> RunnerInfo | None:
    try:
        return await asking
    except (RunnerError, asyncio.CancelledError):
        return None


def _in_stage(stage: str, error: ModelError) -> ModelError:
    error.stage = stage
    return error
