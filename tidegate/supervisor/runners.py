"""The launcher of processes: keeps the runners that are wanted running on this machine."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.routing.replica_names import replica_name
from model_runner import watched
from model_runner.environment import Store
from model_runner.errors import ModelError
from model_runner.folder.maxima import Maxima
from model_runner.folder.toml_file import limits_of, read_toml
from model_runner.limits import Limits
from model_runner.process.launch import RunnerPython
from model_runner.sandbox.permissions import open_up
from model_runner.sandbox.plan import Confinement
from storage.artifacts import ArtifactError, fetch
from storage.registry import DesiredRunner
from tidegate.home.capacity import Capacity, memory_of
from tidegate.parts.state import PartState
from tidegate.sockets import runner_socket
from tidegate.supervisor.candidate_place import CandidatePlace
from tidegate.supervisor.candidates import Candidates
from tidegate.supervisor.confining import Placed
from tidegate.supervisor.part import Part, end_all
from tidegate.supervisor.plan import PartSpec, runner_spec
from tidegate.supervisor.preparing import NotPreparedError, Preparing
from tidegate.supervisor.room import Room
from tidegate.supervisor.succession import Succession

LEAVE_S = 2.0
"""A runner that is no longer wanted stays this long: gateways learn of it within a second and finish what they sent.
Longer than a gateway takes to tell of a request: one that came in the last moment keeps its runner."""

log = logging.getLogger("tidegate.supervisor")


@dataclass
class _Leaving:
    part: Part
    task: asyncio.Task[None]
    is_ending: bool = False


class Runners:
    """A tidegate.parts.launcher.Launcher. The parts themselves restart what crashes."""

    def __init__(
        self,
        run_path: Path,
        cache: Path,
        environments: Store,
        make_part: Callable[[PartSpec], Part],
        confine_runner: Callable[[Placed, str, Limits], Confinement],
        capacity: Capacity | None = None,
        candidates: Path | None = None,
        *,
        has_spare: bool = False,
    ) -> None:
        """
        Args:
            confine_runner: given a deployment and the name of one of its runners.
            capacity: what all of them may take together; nothing bounds it when None.
            candidates: folder for the files of those that are checked; None where nobody asks for any.
            has_spare: whether a process is kept ready for the next of them.
        """
        self.parts: dict[str, Part] = {}
        """By deployment and number (gateway/routing/replica_names.py)."""
        self._run_path = run_path
        self._cache = cache
        self._preparing = Preparing(environments)
        self._make_part = make_part
        self._confine = confine_runner
        self._room = Room(capacity or Capacity(Maxima()))
        self.candidates: Candidates | None = None
        if candidates is not None:
            place = CandidatePlace(run_path, candidates, environments, make_part, confine_runner, self._room)
            self.candidates = Candidates(place, has_spare=has_spare)
        self._successions: dict[str, Succession] = {}
        """Of those that were candidates: what they are once they have to be started again."""
        self._leaving: dict[str, _Leaving] = {}
        self._deployment_of: dict[str, str] = {}
        self._troubles: dict[str, str] = {}

    @property
    def troubles(self) -> tuple[str, ...]:
        return tuple(self._troubles.values())

    async def reconcile(self, wanted: Sequence[DesiredRunner]) -> bool:
        """Compare what is wanted with what runs."""
        awake = [runner for runner in wanted if not runner.asleep]
        names = {name: runner for runner in awake for name in _names(runner)}
        self._preparing.keep({runner.deployment_id for runner in awake})
        self._deployment_of = {name: runner.deployment_id for name, runner in names.items()}
        for key in self._troubles.keys() - self._deployment_of.values():
            del self._troubles[key]
        for gone in [name for name in self.parts if name not in names]:
            self._leave(gone, self.parts.pop(gone))
        for runner in awake:
            await self._adopt(runner)
        done = True
        for runner in awake:
            missing = [name for name in _names(runner) if name not in self.parts]
            if missing:
                done &= await self._begin(runner, missing)
        return done

    def is_ready(self, deployment_id: str) -> bool:
        """Whether a runner of it answers."""
        found = (part for name, part in self.parts.items() if self._deployment_of.get(name) == deployment_id)
        return any(part.ready.is_set() for part in found)

    def states(self) -> tuple[PartState, ...]:
        """Of every runner that is wanted."""
        of_candidates = () if self.candidates is None else self.candidates.states()
        return (*(part.state for part in self.parts.values()), *of_candidates)

    async def settled(self) -> None:
        """Return when each is ready, or keeps failing."""
        for part in list(self.parts.values()):
            await part.settled.wait()

    async def stop(self) -> None:
        """Stop every runner, all at once."""
        self._preparing.keep(())
        if self.candidates is not None:
            await self.candidates.stop()
        for succession in self._successions.values():
            succession.cancel()
        for leaving in self._leaving.values():
            leaving.task.cancel()
        left = [leaving.part for leaving in self._leaving.values()]
        await end_all([*self.parts.values(), *left])

    async def _adopt(self, runner: DesiredRunner) -> None:
        """Its first runner is the process in which it was checked, where that may stay."""
        name = replica_name(runner.deployment_id, 0)
        if self.candidates is None or name in self.parts:
            return
        found = self.candidates.adopt(name, runner.sha256)
        if found is None:
            await self.candidates.drop([name])
            return
        part, folder = found
        self.parts[name] = part

        async def spec() -> PartSpec | None:
            found = await self._specs(runner, [name])
            if found is None:
                return None
            self._troubles.pop(runner.deployment_id, None)
            return found[0]

        self._successions[name] = Succession(part, spec, folder)

    async def _begin(self, runner: DesiredRunner, names: Iterable[str]) -> bool:
        """Start those runners of a deployment that are missing; whether all could be."""
        missing = [name for name in names if not self._take_back(name)]
        # Its socket is that of the one before, which removes it when it ends.
        free = [name for name in missing if name not in self._leaving]
        if free and not await self._start(runner, free):
            return False
        return len(free) == len(missing)

    async def _start(self, runner: DesiredRunner, names: Sequence[str]) -> bool:
        key = runner.deployment_id
        try:
            each = memory_of(runner.manifest)
        except Exception as error:  # whatever a row of the registry holds
            log.exception("deployment %s cannot be started", key)
            self._tell(key, _cannot(runner, f"{type(error).__name__}: {error}"))
            return False
        names, trouble = self._room.that_fit(names, each)
        if trouble is not None:
            self._tell(key, f"{runner.model} version {runner.version} waits for room: a runner {trouble}")
        specs = await self._specs(runner, names) if names else None
        if specs is None:
            return False
        if trouble is None:
            self._troubles.pop(key, None)
        for name, spec in zip(names, specs, strict=True):
            part = self._make_part(spec)
            self.parts[name] = part
            self._room.take(name, each)
            if self.candidates is not None:
                await self.candidates.make_way()
            part.begin()
        return trouble is None

    async def _specs(self, runner: DesiredRunner, names: Sequence[str]) -> list[PartSpec] | None:
        """Of runners that serve its artifact, one a name; None where they cannot be started now: that is told."""
        key = runner.deployment_id
        try:
            folder = await asyncio.to_thread(fetch, runner.artifact_url, runner.sha256, self._cache)
            python = await self._preparing.python_for(key, folder)
            return [await asyncio.to_thread(self._spec, runner, name, folder, python) for name in names]
        except NotPreparedError as reason:
            self._tell(key, f"{runner.model} version {runner.version} waits: {reason}")
        except (ArtifactError, ModelError, OSError) as error:
            self._tell(key, _cannot(runner, error))
        except Exception as error:  # whatever a folder holds must not keep the others from being started
            log.exception("deployment %s cannot be started", key)
            self._tell(key, _cannot(runner, f"{type(error).__name__}: {error}"))
        return None

    def _spec(self, runner: DesiredRunner, name: str, folder: Path, python: RunnerPython) -> PartSpec:
        """Lay out what it may see.

        Raises:
            ModelError, OSError: it cannot be started here.
        """
        confinement = self._confine(runner, name, limits_of(read_toml(folder)))
        if confinement.uid is not None:
            open_up(folder)
        socket = runner_socket(self._run_path, name)
        socket.parent.mkdir(mode=0o700, exist_ok=True)
        return runner_spec(runner.deployment_id, folder, socket, confinement, python, name=name)

    def _take_back(self, name: str) -> bool:
        """One that is wanted again before it was told to end."""
        leaving = self._leaving.get(name)
        if leaving is None or leaving.is_ending:
            return False
        leaving.task.cancel()
        self.parts[name] = self._leaving.pop(name).part
        return True

    def _leave(self, name: str, part: Part) -> None:
        self._leaving[name] = _Leaving(part, watched.begin(self._stop_later(name), f"stop of {name}"))

    async def _stop_later(self, name: str) -> None:
        await asyncio.sleep(LEAVE_S)
        leaving = self._leaving[name]
        leaving.is_ending = True
        succession = self._successions.pop(name, None)
        if succession is not None:
            succession.cancel()
        await end_all([leaving.part])
        if succession is not None:
            await succession.remove()
        self._room.give_back(name)
        shutil.rmtree(runner_socket(self._run_path, name).parent, ignore_errors=True)
        del self._leaving[name]

    def _tell(self, key: str, trouble: str) -> None:
        if self._troubles.get(key) != trouble:
            log.error("%s", trouble)
        self._troubles[key] = trouble


def _cannot(runner: DesiredRunner, why: object) -> str:
    return f"{runner.model} version {runner.version} cannot be started: {why}"


def _names(runner: DesiredRunner) -> list[str]:
    return [replica_name(runner.deployment_id, number) for number in range(runner.replicas)]
