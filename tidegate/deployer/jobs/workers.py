"""The processes that do the jobs' work: one is always ready, so that no job waits for its libraries to load."""

import asyncio
import contextlib
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process

import psutil

from tidegate.deployer.jobs.messages import Answer, Order, decode_answer, encode
from tidegate.die_with_parent import die_with_parent

LINE_BYTES = 4_000_000
"""The longest answer: its closing lines, each of which is bounded."""


class WorkerProcess:
    """One process, for one job."""

    def __init__(self, process: Process, orders: StreamWriter, answers: StreamReader) -> None:
        self._process = process
        self._orders = orders
        self._answers = answers

    @classmethod
    async def start(cls) -> "WorkerProcess":
        command = (sys.executable, "-m", "tidegate.processes.job_worker")
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES, preexec_fn=die_with_parent()
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process was started without its pipes")
        return cls(process, process.stdin, process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def send(self, order: Order) -> None:
        """An order to a process that has ended is lost; `answer` tells."""
        with contextlib.suppress(ConnectionError):
            self._orders.write(encode(order))
            await self._orders.drain()

    async def answer(self) -> Answer | None:
        """The next one; None when the process has ended."""
        line = await self._answers.readline()
        return decode_answer(line) if line else None

    async def fate(self) -> str:
        """How it ended."""
        code = await self._process.wait()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def end(self) -> None:
        """Kill it and all that it started."""
        await asyncio.to_thread(_kill_tree, self._process.pid, self.is_alive)
        await self._process.wait()


class Workers:
    """Hands out processes, and keeps one that has loaded everything."""

    def __init__(self) -> None:
        self._spare: WorkerProcess | None = None

    async def take(self) -> WorkerProcess:
        spare, self._spare = self._spare, None
        if spare is not None and spare.is_alive:
            return spare
        return await WorkerProcess.start()

    async def put_back(self, worker: WorkerProcess) -> None:
        """One that has done its work, and can do another's."""
        if self._spare is not None and self._spare.is_alive:
            await worker.end()
        elif worker.is_alive:
            self._spare = worker

    async def refill(self) -> None:
        """Start the next spare, where there is none."""
        if self._spare is None or not self._spare.is_alive:
            self._spare = await WorkerProcess.start()

    async def close(self) -> None:
        if self._spare is not None:
            await self._spare.end()


def _kill_tree(pid: int, alive: bool) -> None:
    if not alive:
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
        for each in family:
            with contextlib.suppress(psutil.Error):
                each.kill()
