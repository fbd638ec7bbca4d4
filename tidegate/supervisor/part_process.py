"""The process of a part: started with its log, environment and socket, and ended with all that it started."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path

from model_runner.process.listening import bind
from tidegate.die_with_parent import die_with_parent
from tidegate.supervisor.boxed import inner_pid
from tidegate.supervisor.log_pipe import BoundedLog, LogPipe
from tidegate.supervisor.plan import PartSpec
from tidegate.supervisor.surroundings import Surroundings

LAST_WORDS_S = 1.0
"""For what a process said before it ended; longer only where somebody else holds its log open."""


class PartProcess:
    """One at a time, in a session of its own; none before the first `start`."""

    def __init__(self, around: Surroundings, log: BoundedLog) -> None:
        self._around = around
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def exit_code(self) -> int | None:
        """Of the last one, where that has ended; negative: the signal that ended it."""
        return None if self._process is None else self._process.returncode

    @property
    def runs(self) -> bool:
        """Whether there is one that has not ended."""
        return self._process is not None and self._process.returncode is None

    def forget(self) -> None:
        """The last one has ended, and its exit code counts no more."""
        self._process = None

    async def start(self, spec: PartSpec, ending: AsyncExitStack, unlink: Callable[[], None]) -> int:
        """Its process id. What is in `ending` is for its end, with `unlink` where it has a socket.

        Raises:
            OSError, SubprocessError, RuntimeError: it cannot be started.
        """
        pipe = LogPipe(self._log)
        ending.push_async_callback(asyncio.to_thread, pipe.join, LAST_WORDS_S)
        with ExitStack() as ours:
            ours.callback(pipe.close)
            self._process = await asyncio.create_subprocess_exec(
                *spec.command,
                cwd=self._around.home,
                env=dict(self._around.env if spec.env is None else spec.env),
                stdin=_standard_input(spec.listens_at, ours, ending, unlink),
                stdout=pipe.end,
                stderr=pipe.end,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        return self._process.pid

    async def wait(self) -> int:
        """For its end; the exit code. Raises RuntimeError: none was started."""
        return await self._started.wait()

    async def pid(self, *, is_boxed: bool) -> int:
        """Of the process that counts: within the sandbox, where there is one around it.

        Raises RuntimeError: none was started.
        """
        outer = self._started.pid
        return await asyncio.to_thread(inner_pid, outer) if is_boxed else outer

    def terminate(self, *, is_boxed: bool) -> None:
        """SIGTERM to the process that drains: a sandbox around it would only end at once, with all in it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(inner_pid(self._process.pid) if is_boxed else self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole process group."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill it; none of it is left when this returns, whoever watched over it."""
        self.kill()
        if self._process is not None:
            await self._process.wait()

    @property
    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("no process was started")
        return self._process


def _standard_input(
    listens_at: Path | None, ours: ExitStack, ending: AsyncExitStack, unlink: Callable[[], None]
) -> int:
    """The socket that it listens on, where it has one."""
    if listens_at is None:
        return asyncio.subprocess.DEVNULL
    ending.callback(unlink)
    return ours.enter_context(bind(listens_at)).fileno()
