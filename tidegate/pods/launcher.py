"""The launcher of pods: one Deployment, headless Service and Secret for each deployment whose runners are wanted."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from model_runner import watched
from storage.registry import Database, DesiredRunner, RegistryError, set_addresses
from tidegate.parts.names import RUNNER_PREFIX
from tidegate.parts.state import Condition, PartState
from tidegate.pods.cluster import Cluster, ClusterError
from tidegate.pods.config import PodsConfig
from tidegate.pods.manifests import (
    APPLIED,
    deployment,
    labels,
    object_name,
    owner_labels,
    secret,
    selector,
    service,
)
from tidegate.pods.states import condition_of
from tidegate.pods.watching import Watching

LOOK_S = 2.0
"""Between two looks at pods that are not ready."""
AGAIN_S = 5.0
"""After the cluster refused something."""

log = logging.getLogger("tidegate.supervisor")


class PodLauncher:
    """A tidegate.parts.launcher.Launcher."""

    def __init__(
        self,
        config: PodsConfig,
        cluster: Cluster,
        database: Database,
        token_of: Callable[[str], str],
        changed: Callable[[], None],
    ) -> None:
        """
        Args:
            token_of: what a deployment's runners ask for.
            changed: called after each change of a state.
        """
        self._config = config
        self._cluster = cluster
        self._database = database
        self._token_of = token_of
        self._changed = changed
        self._wanted: dict[str, DesiredRunner] = {}
        self._applied: dict[str, str] = {}
        """Hash of what the cluster was asked for, by deployment."""
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        """What the registry has, by deployment."""
        self._states: dict[str, PartState] = {}
        self._troubles: dict[str, str] = {}
        self._not_before = 0.0
        self._news = asyncio.Event()
        self._watching: Watching | None = None
        self._background: list[asyncio.Task[None]] = []

    @property
    def troubles(self) -> tuple[str, ...]:
        trouble = None if self._watching is None else self._watching.trouble
        return (*self._troubles.values(), *([trouble] if trouble else []))

    async def reconcile(self, wanted: Sequence[DesiredRunner]) -> bool:
        """Ask the cluster for what is new or different, and for the end of what is not wanted."""
        self._begin()
        if time.monotonic() < self._not_before:
            return False
        self._wanted = {runner.deployment_id: runner for runner in wanted}
        for forgotten in (self._applied, self._told, self._states, self._troubles):
            for key in [key for key in forgotten if key not in self._wanted]:
                del forgotten[key]
        well = [await self._apply(runner) for runner in wanted]
        self._news.set()
        done = all([*well, await self._delete_others()])
        self._not_before = 0.0 if done else time.monotonic() + AGAIN_S
        return done

    def is_ready(self, deployment_id: str) -> bool:
        """Whether a pod of it is ready."""
        return bool(self._addresses.get(object_name(deployment_id)))

    def states(self) -> tuple[PartState, ...]:
        """One for each deployment that is awake."""
        return tuple(self._states.values())

    async def settled(self) -> None:
        """Return at once: a stack need not wait for a cluster."""

    async def stop(self) -> None:
        """Look no more. The pods stay: another supervisor finds them."""
        if self._watching is not None:
            self._watching.stop()
        await watched.cancelled(self._background)
        self._database.close()

    def _begin(self) -> None:
        if self._watching is not None:
            return
        loop = asyncio.get_running_loop()

        def tell(addresses: dict[str, tuple[str, ...]]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(self._hear, addresses)

        self._watching = Watching(self._cluster, selector(owner_labels(self._config)), tell)
        self._watching.start()
        self._background.append(watched.keep(self._look, "look at pods"))

    def _hear(self, addresses: dict[str, tuple[str, ...]]) -> None:
        if addresses != self._addresses:
            self._addresses = addresses
            self._news.set()

    async def _apply(self, runner: DesiredRunner) -> bool:
        key = runner.deployment_id
        manifest = deployment(self._config, runner)
        digest = manifest["metadata"]["annotations"][APPLIED]
        if self._applied.get(key) == digest:
            return True
        try:
            await asyncio.to_thread(self._apply_all, key, manifest)
        except ClusterError as error:
            self._tell(key, f"{runner.model} version {runner.version} cannot be started: {error}")
            return False
        self._applied[key] = digest
        self._troubles.pop(key, None)
        return True

    def _apply_all(self, key: str, manifest: dict[str, Any]) -> None:
        """The Deployment first, since it owns the others. Its pods wait until their Secret is there."""
        uid = self._cluster.apply(manifest)
        self._cluster.apply(secret(self._config, key, self._token_of(key), uid))
        self._cluster.apply(service(self._config, key, uid))

    async def _delete_others(self) -> bool:
        try:
            found = await asyncio.to_thread(self._cluster.deployments, selector(owner_labels(self._config)))
            for name in set(found) - {object_name(key) for key in self._wanted}:
                await asyncio.to_thread(self._cluster.delete, name)
                log.info("deleted Deployment %s, which nobody wants", name)
        except ClusterError as error:
            self._tell("", str(error))
            return False
        self._troubles.pop("", None)
        return True

    async def _look(self) -> None:
        """Until it is cancelled: tell the registry of addresses, and `tidegate status` of states."""
        while True:
            self._news.clear()
            waiting = False
            for key, runner in list(self._wanted.items()):
                try:
                    waiting |= not await self._look_at(key, runner)
                except (ClusterError, RegistryError, OSError) as error:
                    waiting = True
                    self._tell(key, str(error))
                except Exception as error:  # the database's own kinds; it is tried again
                    waiting = True
                    self._tell(key, f"the registry cannot be written: {error}")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if waiting else None):
                    await self._news.wait()

    async def _look_at(self, key: str, runner: DesiredRunner) -> bool:
        """Whether it has all the pods that it should have."""
        addresses = self._addresses.get(object_name(key), ())
        if self._told.get(key) != addresses:
            await asyncio.to_thread(set_addresses, self._database, key, addresses)
            self._told[key] = addresses
        if runner.asleep:
            self._states.pop(key, None)
            return True
        pods = []
        if len(addresses) < runner.replicas:
            pods = await asyncio.to_thread(self._cluster.pods, selector(labels(self._config, key)))
        condition, detail = condition_of(runner.replicas, addresses, pods)
        old = self._states.get(key)
        if old is None or (old.condition, old.detail) != (condition, detail):
            name = f"{RUNNER_PREFIX}{key}"
            self._states[key] = PartState(name=name, condition=condition, since=time.time(), detail=detail)
            self._changed()
        return condition is Condition.READY

    def _tell(self, key: str, trouble: str) -> None:
        if self._troubles.get(key) != trouble:
            log.error("%s", trouble)
        self._troubles[key] = trouble
