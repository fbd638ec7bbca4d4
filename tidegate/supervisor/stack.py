"""The whole stack: ordered start, running, drained and ordered stop."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from model_runner import watched
from model_runner.disk.space import is_full, no_room
from tidegate.backends.clickhouse_sandbox import standing_warnings
from tidegate.home.caches import candidates_path, copies_path
from tidegate.parts.state import Phase, StackState, read_state, write_state
from tidegate.settings import Settings
from tidegate.supervisor.environment import child_environment
from tidegate.supervisor.logs import log_path
from tidegate.supervisor.part import Part, end_all
from tidegate.supervisor.plan import BROKER, PREPARE, SUPERVISOR, PartSpec, StopRank
from tidegate.supervisor.surroundings import Surroundings
from tidegate.supervisor.urls import urls
from tidegate.supervisor.watch import broker_verdict, disk_warning, keep_log_small, memory_mb

if TYPE_CHECKING:
    from tidegate.parts.launcher import Launcher
    from tidegate.supervisor.following import Following

WATCH_S = 0.5
RETRY_PREPARE_S = 5.0
"""Between two attempts to prepare a broker that was started again."""
STATE_S = 0.05
"""Changes of state within this time are written together."""
LOOK_S = 5.0
"""How often it is seen whether the state can still be read."""
UNTOLD_S = 1.0
"""Between two attempts to write a state that could not be written."""

log = logging.getLogger("tidegate.supervisor")


class StackError(Exception):
    """The stack cannot go on; the message says why and what to do."""


class Stack:
    """Runs until `stop_requested` is set, or something makes it impossible to go on."""

    def __init__(self, settings: Settings, specs: list[PartSpec], pid: int) -> None:
        self.stop_requested = asyncio.Event()
        self._settings = settings
        self._pid = pid
        self._phase = Phase.STARTING
        self._since = time.time()
        self._error: str | None = None
        self._warning: str | None = None
        self._disk_warning: str | None = None
        self._untold: OSError | None = None
        """Why the last state could not be written; None where it was."""
        self._standing = standing_warnings(settings)
        self._dirty = asyncio.Event()
        self._around = Surroundings(
            home=settings.home_path,
            logs=settings.logs_path,
            env=child_environment(settings),
            start_timeout_s=settings.start_timeout_s,
            stop_timeout_s=settings.stop_timeout_s,
            changed=self._dirty.set,
        )
        self._parts = {spec.name: self._make_part(spec) for spec in specs}
        if BROKER in self._parts:
            self._parts[BROKER].before_again = self._hold_workers
        self._following: Following | None = None
        self._background: list[asyncio.Task[None]] = []

    async def run(self) -> str | None:
        """Start, stay, stop; the reason where it ended by itself."""
        writer = watched.keep(self._write_states, "writing of the state")
        try:
            await self._live()
        except StackError as error:
            log.error("%s", error)
            self._error = str(error)
        finally:
            await self._stop()
            writer.cancel()
            self._phase = Phase.STOPPED if self._error is None else Phase.FAILED
            self._write(durable=True)
        return self._error

    async def _live(self) -> None:
        started = time.monotonic()
        for part in self._parts.values():
            part.begin([self._parts[name] for name in part.spec.after])
        own_log = log_path(self._settings.logs_path, SUPERVISOR)
        self._background.append(watched.keep(lambda: keep_log_small(own_log), "rotation of the log"))
        await self._or_stop(self._until_ready())
        if self.stop_requested.is_set():
            return
        self._set_phase(Phase.RUNNING)
        log.info("ready after %.1f s", time.monotonic() - started)
        await self._or_stop(self._watch())

    async def _until_ready(self) -> None:
        await self._settled(self._parts[PREPARE])
        self._following = following = await asyncio.to_thread(self._make_following)
        self._background.append(watched.keep(following.run, "following of the registry"))
        for part in self._parts.values():
            await self._settled(part)
        await following.first_pass.wait()
        await following.launcher.settled()

    def _make_following(self) -> "Following":
        # Loaded while the broker and ClickHouse start: the registry's libraries take half a second.
        from tidegate.home.capacity import capacity_of  # noqa: PLC0415
        from tidegate.home.environments import store_of  # noqa: PLC0415
        from tidegate.supervisor.confining import confine_runner  # noqa: PLC0415
        from tidegate.supervisor.following import Following  # noqa: PLC0415
        from tidegate.supervisor.left_candidates import remove_left  # noqa: PLC0415
        from tidegate.supervisor.runners import Runners  # noqa: PLC0415

        settings = self._settings
        if settings.launcher == "kubernetes":
            return Following(settings.database_dsn, self._make_pod_launcher(), are_here=False)
        cache = copies_path(settings)
        confine = partial(confine_runner, settings)
        capacity = capacity_of(settings)
        candidates = candidates_path(settings)
        remove_left(candidates, settings.run_path, settings.logs_path, settings.database_dsn)
        around = store_of(settings), self._make_part, confine, capacity, candidates
        launcher = Runners(settings.run_path, cache, *around, has_spare=settings.spare_runners > 0)
        return Following(settings.database_dsn, launcher, launcher.candidates)

    def _make_pod_launcher(self) -> "Launcher":
        """Raises StackError where the settings, or the extra, are missing."""
        try:
            from tidegate.pods.making import PodsConfigError, make_pod_launcher  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise StackError(f"TIDEGATE_LAUNCHER=kubernetes needs the extra `kubernetes`: {error}") from error
        try:
            return make_pod_launcher(self._settings, self._dirty.set)
        except PodsConfigError as error:
            raise StackError(str(error)) from error

    async def _settled(self, part: Part) -> None:
        """Wait until a part is ready.

        Raises:
            StackError: this part, or one that others wait for, keeps failing.
        """
        while True:
            for other in self._parts.values():
                if other.failure is not None:
                    raise StackError(f"{other.spec.name} cannot be started: {other.failure}")
            if part.settled.is_set():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await part.settled.wait()

    async def _watch(self) -> None:
        """What has to be looked at while the stack runs.

        Raises:
            StackError: the embedded broker has taken too much memory.
        """
        broker = self._parts.get(BROKER)
        known_start = 1  # a broker that was started again while the stack started is as empty
        while True:
            await asyncio.sleep(WATCH_S)
            self._judge_disk()
            if broker is not None:
                if broker.ready_count > known_start:
                    known_start = broker.ready_count
                    await self._prepare_again()
                self._judge_memory(broker)

    async def _prepare_again(self) -> None:
        """The embedded broker was started again, and is empty: make its topics, and let their readers start afresh."""
        log.warning("the embedded broker was started again, empty: what it held and had not landed is lost")
        await self._hold_workers()
        prepare = self._parts[PREPARE]
        prepare.begin()
        while not await prepare.finished():
            await asyncio.sleep(RETRY_PREPARE_S)
            prepare.begin()
        for part in self._readers():
            await part.hold()
            part.release()

    async def _hold_workers(self) -> None:
        """Who counts ends with the broker: it would go on with the offsets of topics that are no more.

        Not while the stack starts: nobody looks after the broker then who would release them.
        """
        if self._phase is not Phase.RUNNING:
            return
        await asyncio.gather(*(part.hold() for part in self._parts.values() if part.spec.ends_with_broker))

    def _readers(self) -> list[Part]:
        return [part for part in self._parts.values() if part.spec.renewed_with_broker]

    def _judge_memory(self, broker: Part) -> None:
        used = memory_mb(broker.state.pid) if broker.state.pid else None
        if used is None:
            return
        stop, warning = broker_verdict(used, self._settings.broker_memory_mb)
        if warning != self._warning:
            self._warning = warning
            self._dirty.set()
        if stop is not None:
            raise StackError(stop)

    def _judge_disk(self) -> None:
        warning = disk_warning(self._settings.home_path, self._settings.disk_low_mb)
        if (warning is None) != (self._disk_warning is None):
            log.warning("%s", warning or "there is room on the disk again")
        if warning != self._disk_warning:
            self._disk_warning = warning
            self._dirty.set()

    async def _or_stop(self, work: Coroutine[None, None, None]) -> None:
        """Await it unless the stop is requested first."""
        task = watched.awaited(work)
        stop = watched.awaited(self.stop_requested.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            return
        task.result()

    async def _stop(self) -> None:
        """Traffic first, then what reads it, then the stores."""
        self._set_phase(Phase.STOPPING)
        for task in self._background:
            task.cancel()
        ordered = sorted(self._parts.values(), key=lambda part: part.spec.stop_rank)
        before = [part for part in ordered if part.spec.stop_rank < StopRank.RUNNER]
        rest = [part for part in ordered if part.spec.stop_rank > StopRank.RUNNER]
        for part in before:
            await end_all([part])
        if self._following is not None:
            await self._following.stop()
        for _, group in groupby(rest, key=lambda part: part.spec.stop_rank):
            await end_all(group)

    def _make_part(self, spec: PartSpec) -> Part:
        return Part(spec, self._around)

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._since = time.time()
        self._write(durable=True)

    async def _write_states(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._dirty.wait()
            if not self._dirty.is_set() and read_state(self._settings.run_path) is not None:
                continue
            await asyncio.sleep(STATE_S if self._untold is None else UNTOLD_S)
            self._write()

    def _write(self, *, durable: bool = False) -> None:
        """Tell others how it stands. A disk that takes nothing is no reason to stop, nor to stop badly."""
        self._dirty.clear()
        try:
            write_state(self._settings.run_path, self._state(), durable=durable)
        except OSError as error:
            if self._untold is None:
                reason = no_room(error, self._settings.run_path) if is_full(error) else str(error)
                log.error("the state of the stack cannot be written, and is tried again: %s", reason)
            self._untold = error
            self._dirty.set()
        else:
            if self._untold is not None:
                log.info("the state of the stack is written again")
            self._untold = None

    def _state(self) -> StackState:
        settings = self._settings
        following = self._following
        runners = following.launcher.states() if following else ()
        own = filter(None, (*self._standing, self._warning, self._disk_warning, watched.trouble()))
        warnings = [*own, *(following.troubles if following else ())]
        return StackState(
            pid=self._pid,
            phase=self._phase,
            since=self._since,
            error=self._error,
            warnings=tuple(warnings),
            urls=urls(settings),
            parts=(*(part.state for part in self._parts.values()), *runners),
        )
