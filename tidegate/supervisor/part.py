"""One process of the stack: started, watched until it is ready, started again when it ends, drained and stopped."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from math import inf
from subprocess import SubprocessError
from typing import Literal

from msgspec.structs import replace

from model_runner import watched
from model_runner.process.endings import how_ended
from tidegate.parts.exit_codes import EXIT_SETTINGS
from tidegate.parts.probes import not_ready
from tidegate.parts.state import Condition, PartState
from tidegate.supervisor import policy
from tidegate.supervisor.allowance import A_MODELS, OUR_OWN
from tidegate.supervisor.log_pipe import BoundedLog
from tidegate.supervisor.logs import log_path, said_error, tail
from tidegate.supervisor.part_process import PartProcess
from tidegate.supervisor.plan import PartSpec
from tidegate.supervisor.policy import History
from tidegate.supervisor.surroundings import Surroundings

PROBE_S = 0.05
PROBE_LATER_S = 0.5
"""Between two probes of a process that has been starting for a while."""

log = logging.getLogger("tidegate.supervisor")


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
        self.ended = asyncio.Event()
        """A candidate's process is no more, and nothing more is heard of it."""
        self.log = log_path(around.logs, spec.name)
        self._around = around
        self._written = BoundedLog(self.log, A_MODELS if spec.is_a_models else OUR_OWN)
        self._history = History()
        self._process = PartProcess(around, self._written)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._looked_at = asyncio.Event()
        self._became = asyncio.Event()
        self.before_again: Callable[[], Awaitable[None]] | None = None
        """Awaited after each end of it, before it is started again."""
        port = spec.ports[0].port if spec.ports else None
        self.state = PartState(
            name=spec.name, condition=Condition.WAITING, since=time.time(), port=port, log=str(self.log)
        )

    @property
    def exit_code(self) -> int | None:
        """Of its last process, where that has ended."""
        return self._process.exit_code

    @property
    def last_words(self) -> str:
        """The end of what it said."""
        return self._written.last_words

    def begin(self, before: Sequence["Part"] = ()) -> None:
        """Start it as soon as those before it are ready. May be called again for a job that is done."""
        self._task = watched.keep(lambda: self._run(before), f"watch of {self.spec.name}")

    def look(self) -> None:
        """It may have become ready this moment: do not wait for the next probe."""
        self._looked_at.set()

    def become(self, spec: PartSpec) -> None:
        """The process that runs, and is ready, is this part from now on, which has still to become ready."""
        self.spec = spec
        self.log = log_path(self._around.logs, spec.name)
        self._written.move(self.log)
        self.ready.clear()
        self.ready_count = 0
        self._became.set()
        self.state = replace(self.state, name=spec.name, log=str(self.log))
        self._set(Condition.STARTING, "")

    async def finished(self) -> bool:
        """Wait for the end of a job; whether it ended well."""
        if self._task is not None:
            await asyncio.wait({self._task})
        return self.state.condition is Condition.DONE

    async def hold(self) -> None:
        """Kill it, and start it no more until `release`: what it knew of the broker is not so any more."""
        self._allowed.clear()
        await self._process.end()

    def release(self) -> None:
        """It may start afresh."""
        self._allowed.set()

    async def stop(self) -> None:
        """SIGTERM, time to drain, SIGKILL. Returns when no process of it is left."""
        self._stopping.set()
        killed = ""
        drains = self._process.runs
        if drains:
            self._set(Condition.STOPPING, "drains")
            self._process.terminate(is_boxed=self.spec.is_boxed)
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=self._around.stop_timeout_s)
            if not self._task.done():
                killed = f"did not end in {self._around.stop_timeout_s:g} s and was killed"
                self._process.kill()
                await asyncio.wait({self._task})
        await self._process.end()
        if not killed and drains and self._process.exit_code == 1 and not self.spec.is_a_models:
            killed = "ended with exit code 1 while it drained"
        if self.state.condition not in (Condition.DONE, Condition.FAILED):
            self._set(Condition.STOPPED, killed, pid=None)

    async def end_now(self) -> None:
        """SIGKILL, and never again. Returns when no process of it is left."""
        self._stopping.set()
        while True:
            await self._process.end()
            if self._task is None or self._task.done():
                break
            await asyncio.wait({self._task}, timeout=PROBE_S)  # its process may just have been started
        self._set(Condition.STOPPED, "", pid=None)
        self.ended.set()

    async def _run(self, before: Sequence["Part"]) -> None:
        """Until it is stopped; a job until it is done or cannot be."""
        if self._process.runs:
            self._process.kill()  # what an earlier watch left, which has died
        for other in before:
            if not await self._unless_stopped(other.ready.wait()):
                return
        while await self._unless_stopped(self._allowed.wait()):
            started = time.monotonic()
            trouble = await self._live()
            if self._stopping.is_set() or self._is_finished(self._process.exit_code):
                return
            if self.spec.is_candidate:
                self._set(Condition.FAILED, trouble, pid=None)
                self.ended.set()
                return
            if self.before_again is not None:
                await self.before_again()
            await self._back_off(trouble, time.monotonic() - started)

    async def _live(self) -> str:
        """One life of the process, from its start to the end of all that it started; what is to be said about it.

        Whatever goes wrong with one life ends it, and the next begins: nobody else would.
        """
        self._process.forget()
        ending = AsyncExitStack()
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            pid = await self._process.start(self.spec, ending, self._unlink)
            self._set(Condition.STARTING, "", pid=pid)
            if self._stopping.is_set():
                self._process.terminate(is_boxed=self.spec.is_boxed)
            if not self._allowed.is_set():
                self._process.kill()  # it was held while it was being started
            return await self._watch()
        except (OSError, SubprocessError, RuntimeError) as error:
            # No process, no descriptor or no thread to be had: that may pass.
            log.warning("%s cannot be started: %s", self.spec.name, error)
            return f"cannot be started: {getattr(error, 'strerror', None) or error}"
        except Exception as error:
            log.exception("%s could not be watched; it is ended, and started again", self.spec.name)
            return f"could not be watched ({type(error).__name__}: {error})"
        finally:
            await self._process.end()
            await ending.aclose()

    async def _unless_stopped(self, what: Coroutine[None, None, object]) -> bool:
        """Wait for it; False when the stop came first."""
        waiting = watched.awaited(what)
        stopping = watched.awaited(self._stopping.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, stopping):
            task.cancel()
        return not self._stopping.is_set()

    def _unlink(self) -> None:
        """Its socket: by then it may have another, see `become`."""
        if self.spec.listens_at is not None:
            self.spec.listens_at.unlink(missing_ok=True)

    async def _watch(self) -> str:
        """Wait for its end; what is to be said about it."""
        end = watched.awaited(self._process.wait())
        try:
            while not self.spec.is_job and not end.done():
                if await self._becomes_ready(end):
                    self._set(Condition.READY, "", pid=await self._process.pid(is_boxed=self.spec.is_boxed))
                    self.ready_count += 1
                    self.ready.set()
                    await _end_or(end, self._became)
                elif not end.done():
                    self.failure = f"was not ready after {self._start_timeout_s:g} s: {self.state.detail}"
                    self._process.kill()
                    await end
                    return self.failure
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
            await _end_or(end, self._looked_at, pause)
        return False

    def _is_finished(self, code: int | None) -> bool:
        """Whether it is not to be started again."""
        if self.spec.is_job and code == 0:
            self._set(Condition.DONE, "", pid=None)
            self.ready_count += 1
            self.ready.set()
            return True
        if code == EXIT_SETTINGS and not self.spec.is_a_models:
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
            async with asyncio.timeout(delay):
                await self._stopping.wait()

    @property
    def _start_timeout_s(self) -> float:
        if self.spec.is_candidate:
            return inf  # who checks it decides
        return self.spec.start_timeout_s or self._around.start_timeout_s

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


async def _end_or(end: asyncio.Future[int], event: asyncio.Event, timeout_s: float | None = None) -> None:
    """Return when it ends, or at the event, which is over then."""
    waiting = watched.awaited(event.wait())
    either: set[asyncio.Future[int] | asyncio.Future[Literal[True]]] = {end, waiting}
    try:
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        event.clear()


async def end_all(parts: Iterable[Part]) -> None:
    """Stop them together. What goes wrong with one keeps no other running."""
    for outcome in await asyncio.gather(*(part.stop() for part in parts), return_exceptions=True):
        if isinstance(outcome, BaseException):
            log.error("a process could not be stopped in order", exc_info=outcome)
