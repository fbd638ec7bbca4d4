"""A process that is ready before anybody pushes: it has imported libraries, and waits to be told whose it is."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from model_runner import watched
from model_runner.environment import at_hand
from model_runner.environment.host import state_of_packages
from model_runner.errors import ModelError
from model_runner.folder.own_imports import top_names
from model_runner.limits import DEFAULT_LIMITS, Limits
from model_runner.process.launch import HOST_PYTHON
from model_runner.sandbox.permissions import open_up
from model_runner.sandbox.plan import Confinement
from model_runner.serving.warming import COMMON, has_modules
from model_runner.wire.client import RunnerClient
from model_runner.wire.failures import RunnerError
from model_runner.wire.frames import Whose
from storage.registry import new_deployment_id
from tidegate.candidates.files import link_files
from tidegate.candidates.protocol import WORD_S, Start
from tidegate.parts.state import Condition, PartState
from tidegate.sockets import runner_socket
from tidegate.supervisor.candidate_place import CandidatePlace
from tidegate.supervisor.logs import remove_log
from tidegate.supervisor.part import Part
from tidegate.supervisor.plan import SPARE_PREFIX, runner_spec, spare_spec

LATER_S = 3.0
"""After the one before was taken: its push is to have the machine for itself."""
LOOK_S = 1.0
"""Between two looks at whether something is being checked, or there is room."""
MOST_PAUSE_S = 300.0
"""Before another try where it ends by itself, which takes twice as long each time."""

log = logging.getLogger("tidegate.supervisor")


@dataclass(frozen=True)
class _Nobody:
    """Where a process without a model belongs, before there is one."""

    workspace: str = ""
    model: str = ""


@dataclass(frozen=True)
class Taken:
    """A process that was a spare."""

    part: Part
    folder: Path
    """Has the files. It keeps the spare's name, which its process knows."""
    cgroup: str | None


@dataclass(frozen=True)
class _Found:
    name: str
    part: Part
    folder: Path
    confinement: Confinement
    packages: object
    """Of Tidegate's own environment when it was started."""
    libraries: tuple[str, ...]
    """What it imports."""


class Spare:
    """Keeps one of them, from `start` on. All methods are called from one event loop."""

    def __init__(self, place: CandidatePlace, is_busy: Callable[[], bool]) -> None:
        """
        Args:
            place: that of candidates.
            is_busy: whether another one may not be made now.
        """
        self._place = place
        self._is_busy = is_busy
        self._found: _Found | None = None
        self._gone = asyncio.Event()
        self._failures = 0
        self._libraries: tuple[str, ...] = COMMON
        """For the next of them: those of a push are likely those of the next one."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = watched.keep(self._keep, "spare runner")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._drop()

    def states(self) -> tuple[PartState, ...]:
        """One that has ended is nobody's loss."""
        if self._found is None or self._found.part.state.condition is Condition.FAILED:
            return ()
        return (self._found.part.state,)

    async def make_way(self) -> None:
        """End it where there is no room for it beside what is wanted: call this when something took room."""
        if self._found is not None and not self._has_room():
            await self._drop()

    async def take(self, order: Start, limits: Limits) -> Taken | None:
        """The process, as this deployment's; None where there is none, or it would not be as one of its own is.

        Raises:
            ModelError, EnvironmentBuildError: what the folder asks for is at fault.
        """
        found = self._found
        if found is None or not found.part.ready.is_set():
            return None
        if not await asyncio.to_thread(self._suits, found, order, limits) or found is not self._found:
            return None
        self._libraries = order.first_imports or COMMON
        is_other = found.packages != await asyncio.to_thread(state_of_packages)
        if is_other or order.first_imports not in {(), found.libraries}:
            await self._drop()  # what it has imported is another than what would be imported now
            return None
        self._let_go()
        try:
            await self._hand_over(found, order)
        except BaseException as error:
            await self._end(found)
            self.forget(order.deployment_id)
            if not isinstance(error, OSError | RunnerError):
                raise
            log.warning("the spare process was not taken, and is ended: %s", error)
            return None
        return Taken(found.part, found.folder, found.confinement.cgroup)

    def forget(self, deployment_id: str) -> None:
        """Whoever clears up after a kill need not look for what belonged to it any more."""
        with suppress(OSError):  # one that holds files is a candidate's own
            (self._place.folder / deployment_id).rmdir()

    def _suits(self, found: _Found, order: Start, limits: Limits) -> bool:
        """Raises ModelError, EnvironmentBuildError."""
        if has_modules(order.files) and not order.first_imports:
            return False
        if self._place.confine(order, found.name, limits) != found.confinement:
            return False
        prepared = at_hand(Path(order.folder), self._place.environments)
        return prepared is not None and prepared.python == HOST_PYTHON

    async def _hand_over(self, found: _Found, order: Start) -> None:
        """Raises OSError, RunnerError."""
        name = order.deployment_id
        await asyncio.to_thread(self._lay_out, found, order)
        socket = runner_socket(self._place.run_path, name)
        client = RunnerClient(socket)
        try:
            await client.become(Whose(name, order.libraries, _own_modules(order)))
        finally:
            await client.close()
        spec = runner_spec(name, found.folder, socket, found.confinement, name=name)
        found.part.become(replace(spec, is_candidate=True))

    def _lay_out(self, found: _Found, order: Start) -> None:
        """Its files, and the socket where a runner of this deployment is looked for. Raises OSError."""
        link_files(Path(order.folder), order.files, found.folder)
        if found.confinement.uid is not None:
            open_up(found.folder)
        # An empty folder names the deployment: that of the files does not (tidegate/supervisor/left_candidates.py).
        (self._place.folder / order.deployment_id).mkdir()
        socket = runner_socket(self._place.run_path, order.deployment_id)
        runner_socket(self._place.run_path, found.name).parent.rename(socket.parent)

    async def _keep(self) -> None:
        """Have one whenever there is none."""
        await self._drop()  # of an earlier watch, which has died
        while True:
            await asyncio.sleep(min(MOST_PAUSE_S, LATER_S * 2 ** min(self._failures, 10)))
            while self._is_busy() or not self._has_room():  # noqa: ASYNC110  neither tells anybody
                await asyncio.sleep(LOOK_S)
            try:
                found = await asyncio.to_thread(self._made)
            except (ModelError, OSError) as error:
                log.warning("no spare process can be started: %s", error)
                self._failures += 1
                continue
            self._found = found
            self._gone.clear()
            found.part.begin()
            await self._until_ended_or_gone(found)
            if self._found is found:
                await self._drop()

    def _made(self) -> _Found:
        """Raises ModelError, OSError."""
        packages = state_of_packages()  # before it imports the first of them
        name = f"{SPARE_PREFIX}{new_deployment_id()}"
        folder = self._place.folder / name
        folder.mkdir(parents=True)
        confinement = self._place.confine(_Nobody(), name, DEFAULT_LIMITS)
        if confinement.uid is not None:
            open_up(folder)
        socket = runner_socket(self._place.run_path, name)
        socket.parent.mkdir(mode=0o700)
        libraries = self._libraries
        told = ("--spare", "--awaits-word", f"{WORD_S:g}", "--libraries", ",".join(libraries))
        part = self._place.make_part(spare_spec(name, folder, socket, confinement, told))
        return _Found(name, part, folder, confinement, packages, libraries)

    async def _until_ended_or_gone(self, found: _Found) -> None:
        events = (found.part.ready, found.part.ended, self._gone)
        waiting = [watched.awaited(event.wait()) for event in events]
        _, ended, gone = waiting
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            self._failures = self._failures + 1 if ended.done() else 0
            await asyncio.wait({ended, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    def _has_room(self) -> bool:
        return self._place.room.that_fit([SPARE_PREFIX], DEFAULT_LIMITS.memory_bytes)[1] is None

    def _let_go(self) -> None:
        self._found = None
        self._gone.set()

    async def _drop(self) -> None:
        found = self._found
        if found is not None:
            self._let_go()
            await self._end(found)

    async def _end(self, found: _Found) -> None:
        """It, and what was its."""
        await found.part.end_now()
        for path in (found.folder, runner_socket(self._place.run_path, found.name).parent):
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        await asyncio.to_thread(remove_log, found.part.log)


def _own_modules(order: Start) -> tuple[str, ...]:
    """Those that must not have been looked for anywhere else; none where there is no Python to import them."""
    return tuple(sorted(top_names(order.files))) if has_modules(order.files) else ()
