"""Keeps the runners that the registry wants running: one process a deployment."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from model_runner.environment import Store
from model_runner.errors import ModelError
from model_runner.launch import RunnerPython
from model_runner.limits import Limits
from model_runner.sandbox.permissions import open_up, writable_folder
from model_runner.sandbox.plan import Confinement
from model_runner.toml_file import limits_of, read_toml
from storage.artifacts import ArtifactError, fetch
from storage.registry import Database, DesiredRunner, desired_runners
from tidegate.sockets import runner_socket
from tidegate.supervisor.part import Part
from tidegate.supervisor.plan import PartSpec, SocketReady, runner_spec
from tidegate.supervisor.preparing import NotPreparedError, Preparing

POLL_S = 0.1
"""A look costs a quarter of a millisecond while nothing has changed; a push waits for two of them."""
LEAVE_S = 2.0
"""A runner that is no longer wanted stays this long: gateways learn of it within a second and finish what they sent."""

log = logging.getLogger("tidegate.supervisor")


class Runners:
    """Compares what the registry wants with what runs. The parts themselves restart what crashes."""

    def __init__(
        self,
        dsn: str,
        run_path: Path,
        cache: Path,
        environments: Store,
        make_part: Callable[[PartSpec], Part],
        confine_runner: Callable[[DesiredRunner, Limits], Confinement],
    ) -> None:
        self.parts: dict[str, Part] = {}
        """By deployment."""
        self.first_pass = asyncio.Event()
        self._database = Database(dsn)
        self._run_path = run_path
        self._cache = cache
        self._preparing = Preparing(environments)
        self._make_part = make_part
        self._confine = confine_runner
        self._left: set[Part] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._revision = -1
        self._troubles: dict[str, str] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                wanted = await asyncio.to_thread(self._poll)
            except Exception as error:  # the database's own kinds; what runs keeps running
                self._tell("registry", f"the registry cannot be read: {error}")
            else:
                self._troubles.pop("registry", None)
                if wanted is not None:
                    await self._reconcile(wanted)
                self.first_pass.set()
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """Stop every runner, all at once."""
        self._preparing.keep(())
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*(part.stop() for part in [*self.parts.values(), *self._left]))
        self._database.close()

    def _poll(self) -> list[DesiredRunner] | None:
        """None while nothing changed and everything wanted runs."""
        revision = self._database.revision()
        if revision == self._revision and not self._troubles:
            return None
        wanted = desired_runners(self._database)
        self._revision = revision
        return wanted

    async def _reconcile(self, wanted: list[DesiredRunner]) -> None:
        ids = {runner.deployment_id for runner in wanted}
        self._preparing.keep(ids)
        for gone in [key for key in self.parts if key not in ids]:
            self._leave(self.parts.pop(gone))
        for runner in wanted:
            if runner.deployment_id not in self.parts:
                await self._begin(runner)

    async def _begin(self, runner: DesiredRunner) -> None:
        key = runner.deployment_id
        try:
            folder = await asyncio.to_thread(fetch, runner.artifact_url, runner.sha256, self._cache)
            python = await self._preparing.python_for(key, folder)
            spec = await asyncio.to_thread(self._spec, runner, folder, python)
        except NotPreparedError as reason:
            self._tell(key, f"{runner.model} version {runner.version} waits: {reason}")
            return
        except (ArtifactError, ModelError, OSError) as error:
            self._tell(key, f"{runner.model} version {runner.version} cannot be started: {error}")
            return
        self._troubles.pop(key, None)
        part = self._make_part(spec)
        self.parts[key] = part
        part.begin()

    def _spec(self, runner: DesiredRunner, folder: Path, python: RunnerPython) -> PartSpec:
        """Lay out what it may see.

        Raises:
            ModelError, OSError: it cannot be started here.
        """
        confinement = self._confine(runner, limits_of(read_toml(folder)))
        if confinement.uid is not None:
            open_up(folder)
        socket = runner_socket(self._run_path, runner.deployment_id)
        writable_folder(socket.parent, confinement.uid)
        return runner_spec(runner.deployment_id, folder, socket, confinement, python)

    def _leave(self, part: Part) -> None:
        self._left.add(part)
        task = asyncio.create_task(self._stop_later(part))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _stop_later(self, part: Part) -> None:
        await asyncio.sleep(LEAVE_S)
        await part.stop()
        self._left.discard(part)
        self._remove_socket_folder(part)

    def _remove_socket_folder(self, part: Part) -> None:
        if isinstance(part.spec.ready, SocketReady):
            shutil.rmtree(part.spec.ready.path.parent, ignore_errors=True)

    def _tell(self, key: str, trouble: str) -> None:
        if self._troubles.get(key) != trouble:
            log.error("%s", trouble)
        self._troubles[key] = trouble

    @property
    def troubles(self) -> tuple[str, ...]:
        return tuple(self._troubles.values())
