"""One process of the stack: started, watched until it is ready, started again when it ends, drained and stopped."""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress

from model_runner.endings import how_ended
from tidegate.supervisor import policy
from tidegate.supervisor.boxed import inner_pid
from tidegate.supervisor.logs import log_path, said_error, tail
from tidegate.supervisor.plan import PartSpec
from tidegate.supervisor.policy import History
from tidegate.supervisor.probes import not_ready
from tidegate.supervisor.state import Condition, PartState
from tidegate.supervisor.surroundings import Surroundings
from tidegate.tether import tether

EXIT_SETTINGS = 2
"""Exit code by which a process says that it cannot work with these settings: to start it again would not help."""
PROBE_S = 0.05
PROBE_LATER_S = 0.5
"""Between two probes of a process that has been starting for a while."""


class Part:
    """`begin` it once; `state` tells where it stands."""

    def __init__(self, spec: PartSpec, around: Surroundings) -> None:
        self.spec = spec
        self.ready = asyncio.Event()
        self.ready_count = 0
        """How often it became ready: above 1 it was started again."""
        self.failure: str | None = None
        """Why it keeps failing; None while there is hope."""
        self.settled = asyncio.Event()
        """Ready, done, failing or failed: there is something to say about it."""
        self.log = log_path(around.logs, spec.name)
        self._around = around
        self._history = History()
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        port = spec.ports[0].port if spec.ports else None
        self.state = PartState(
            name=spec.name, condition=Condition.WAITING, since=time.time(), port=port, log=str(self.log)
        )

    def begin(self, before: Sequence["Part"] = ()) -> None:
        """Start it as soon as those before it are ready. May be called again for a job that is done."""
        self._task = asyncio.create_task(self._run(before))

    async def finished(self) -> bool:
        """Wait for the end of a job; whether it ended well."""
        if self._task is not None:
            await asyncio.wait({self._task})
        return self.state.condition is Condition.DONE

    def renew(self) -> None:
        """Kill it, so that it starts afresh: what it knew of the broker is not so any more."""
        self._kill()

    async def stop(self) -> None:
        """SIGTERM, time to drain, SIGKILL. Returns when no process of it is left."""
        self._stopping.set()
        killed = ""
        if self._process is not None and self._process.returncode is None:
            self._set(Condition.STOPPING, "drains")
            self._terminate(self._process)
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=self._around.stop_timeout_s)
            if not self._task.done():
                killed = f"did not end in {self._around.stop_timeout_s:g} s and was killed"
                self._kill()
                await asyncio.wait({self._task})
        if self.state.condition not in (Condition.DONE, Condition.FAILED):
            self._set(Condition.STOPPED, killed, pid=None)

    async def _run(self, before: Sequence["Part"]) -> None:
        """Until it is stopped; a job until it is done or cannot be."""
        for other in before:
            if not await self._unless_stopped(other.ready.wait()):
                return
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                process = await self._start()
            except OSError as error:
                self._set(Condition.FAILED, f"{self.spec.command[0]} cannot be started: {error.strerror}", pid=None)
                return
            if self._stopping.is_set():
                self._terminate(process)
            trouble = await self._watch(process)
            self._kill()  # whatever it started itself ends with it
            if self._stopping.is_set() or self._is_finished(process.returncode):
                return
            await self._back_off(trouble, time.monotonic() - started)

    async def _unless_stopped(self, what: Coroutine[None, None, object]) -> bool:
        """Wait for it; False when the stop came first."""
        waiting = asyncio.ensure_future(what)
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, stopping):
            task.cancel()
        return not self._stopping.is_set()

    async def _start(self) -> asyncio.subprocess.Process:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                cwd=self._around.home,
                env=dict(self._around.env if self.spec.env is None else self.spec.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tether(),
            )
        self._set(Condition.STARTING, "", pid=self._process.pid)
        return self._process

    async def _watch(self, process: asyncio.subprocess.Process) -> str:
        """Wait for its end; what is to be said about it."""
        end = asyncio.ensure_future(process.wait())
        try:
            if not self.spec.is_job and not await self._becomes_ready(end):
                if not end.done():
                    self.failure = f"was not ready after {self._start_timeout_s:g} s: {self.state.detail}"
                    self._kill()
                    await end
                    return self.failure
            elif not self.spec.is_job:
                self._set(Condition.READY, "", pid=await self._pid(process))
                self.ready_count += 1
                self.ready.set()
            code = await end
            how = how_ended(code)
            return f"ended with {how}" if how.startswith("exit") else f"ended by {how}"
        finally:
            self.ready.clear()
            end.cancel()

    async def _becomes_ready(self, end: asyncio.Future[int]) -> bool:
        started = time.monotonic()
        while not end.done() and time.monotonic() - started < self._start_timeout_s:
            waits_for = await not_ready(self.spec.ready)
            if waits_for is None and not end.done():
                return True
            if waits_for != self.state.detail and waits_for is not None:
                self._set(self.state.condition, waits_for, since=self.state.since)
            pause = PROBE_S if time.monotonic() - started < 5 else PROBE_LATER_S
            await asyncio.wait({end}, timeout=pause)
        return False

    def _is_finished(self, code: int | None) -> bool:
        """Whether it is not to be started again."""
        if self.spec.is_job and code == 0:
            self._set(Condition.DONE, "", pid=None)
            self.ready_count += 1
            self.ready.set()
            return True
        if code == EXIT_SETTINGS:
            self._set(Condition.FAILED, said_error(tail(self.log)), pid=None)
            return True
        return False

    async def _back_off(self, trouble: str, uptime_s: float) -> None:
        around = self._around
        self._history = policy.after_exit(around.policy, self._history, uptime_s)
        detail = trouble
        condition = Condition.BACKOFF
        if self.failure is not None or policy.is_failing(around.policy, self._history):
            condition = Condition.FAILING
            times = f", {self._history.failures} times in a row" if self._history.failures > 1 else ""
            detail = self.failure = "\n".join([f"{trouble}{times}; its log ends:", *tail(self.log)])
        self._set(condition, detail, pid=None, restarts=self._history.restarts)
        delay = policy.delay_s(around.policy, self._history, around.random.random())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay)

    @property
    def _start_timeout_s(self) -> float:
        return self.spec.start_timeout_s or self._around.start_timeout_s

    async def _pid(self, process: asyncio.subprocess.Process) -> int:
        return await asyncio.to_thread(inner_pid, process.pid) if self.spec.is_boxed else process.pid

    def _terminate(self, process: asyncio.subprocess.Process) -> None:
        """SIGTERM to the process that drains: a sandbox around it would only end at once, with all in it."""
        with suppress(ProcessLookupError):
            os.kill(inner_pid(process.pid) if self.spec.is_boxed else process.pid, signal.SIGTERM)

    def _kill(self) -> None:
        """SIGKILL to the whole process group."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _set(
        self,
        condition: Condition,
        detail: str,
        *,
        pid: int | None = -1,
        restarts: int | None = None,
        since: float | None = None,
    ) -> None:
        old = self.state
        self.state = PartState(
            name=old.name,
            condition=condition,
            pid=old.pid if pid == -1 else pid,
            since=since or time.time(),
            restarts=old.restarts if restarts is None else restarts,
            detail=detail,
            port=old.port,
            log=old.log,
        )
        if condition in (Condition.READY, Condition.DONE):
            self.failure = None
        elif condition is Condition.FAILED:
            self.failure = detail
        if condition in (Condition.READY, Condition.DONE, Condition.FAILING, Condition.FAILED):
            self.settled.set()
        self._around.changed()
