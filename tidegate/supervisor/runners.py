"""The launcher of processes: keeps the runners that are wanted running on this machine."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.replica_names import replica_name
from model_runner import watched
from model_runner.environment import Store
from model_runner.errors import ModelError
from model_runner.launch import RunnerPython
from model_runner.limits import Limits, size_text
from model_runner.maxima import Maxima
from model_runner.sandbox.permissions import open_up
from model_runner.sandbox.plan import Confinement
from model_runner.toml_file import limits_of, read_toml
from storage.artifacts import ArtifactError, fetch
from storage.registry import DesiredRunner
from tidegate.capacity import Capacity, memory_of
from tidegate.sockets import runner_socket
from tidegate.supervisor.part import Part, end_all
from tidegate.supervisor.plan import PartSpec, runner_spec
from tidegate.supervisor.preparing import NotPreparedError, Preparing
from tidegate.supervisor.state import PartState

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
    """A tidegate.supervisor.launcher.Launcher. The parts themselves restart what crashes."""

    def __init__(
        self,
        run_path: Path,
        cache: Path,
        environments: Store,
        make_part: Callable[[PartSpec], Part],
        confine_runner: Callable[[DesiredRunner, str, Limits], Confinement],
        capacity: Capacity | None = None,
    ) -> None:
        """
        Args:
            confine_runner: given a deployment and the name of one of its runners.
            capacity: what all of them may take together; nothing bounds it when None.
        """
        self.parts: dict[str, Part] = {}
        """By deployment and number (gateway/replica_names.py)."""
        self._run_path = run_path
        self._cache = cache
        self._preparing = Preparing(environments)
        self._make_part = make_part
        self._confine = confine_runner
        self._capacity = capacity or Capacity(Maxima())
        self._memory: dict[str, int] = {}
        """What each that is up may take, by its limits."""
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
        return tuple(part.state for part in self.parts.values())

    async def settled(self) -> None:
        """Return when each is ready, or keeps failing."""
        for part in list(self.parts.values()):
            await part.settled.wait()

    async def stop(self) -> None:
        """Stop every runner, all at once."""
        self._preparing.keep(())
        for leaving in self._leaving.values():
            leaving.task.cancel()
        left = [leaving.part for leaving in self._leaving.values()]
        await end_all([*self.parts.values(), *left])

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
            names, trouble = self._that_fit(runner, names)
            if trouble is not None:
                self._tell(key, f"{runner.model} version {runner.version} waits for room: a runner {trouble}")
            if not names:
                return False
            folder = await asyncio.to_thread(fetch, runner.artifact_url, runner.sha256, self._cache)
            python = await self._preparing.python_for(key, folder)
            specs = [await asyncio.to_thread(self._spec, runner, name, folder, python) for name in names]
        except NotPreparedError as reason:
            self._tell(key, f"{runner.model} version {runner.version} waits: {reason}")
            return False
        except (ArtifactError, ModelError, OSError) as error:
            self._tell(key, f"{runner.model} version {runner.version} cannot be started: {error}")
            return False
        except Exception as error:  # whatever a folder holds must not keep the others from being started
            log.exception("deployment %s cannot be started", key)
            self._tell(
                key, f"{runner.model} version {runner.version} cannot be started: {type(error).__name__}: {error}"
            )
            return False
        if trouble is None:
            self._troubles.pop(key, None)
        for name, spec in zip(names, specs, strict=True):
            part = self._make_part(spec)
            self.parts[name] = part
            self._memory[name] = memory_of(runner.manifest)
            part.begin()
        return trouble is None

    def _that_fit(self, runner: DesiredRunner, names: Sequence[str]) -> tuple[Sequence[str], str | None]:
        """Those that there is room for, and why not for all: one that slept is woken without asking anybody."""
        each, held = memory_of(runner.manifest), sum(self._memory.values())
        if each > self._capacity.each.memory_bytes:
            most = size_text(int(self._capacity.each.memory_bytes))
            return (), f"may take {size_text(each)}, and one model {most} at most (TIDEGATE_MAX_MODEL_MEMORY_MB)"
        for count in range(len(names)):
            trouble = self._capacity.trouble(each, held + count * each)
            if trouble is not None:
                return names[:count], trouble
        return names, None

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
        await end_all([leaving.part])
        self._memory.pop(name, None)
        shutil.rmtree(runner_socket(self._run_path, name).parent, ignore_errors=True)
        del self._leaving[name]

    def _tell(self, key: str, trouble: str) -> None:
        if self._troubles.get(key) != trouble:
            log.error("%s", trouble)
        self._troubles[key] = trouble


def _names(runner: DesiredRunner) -> list[str]:
    return [replica_name(runner.deployment_id, number) for number in range(runner.replicas)]
