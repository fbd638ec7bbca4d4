"""Requests for deployments that sleep: the first wakes it, all wait for its runner, and not more than may."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from gateway.prometheus import COLD_START_REFUSALS, COLD_START_SECONDS
from gateway.refusals import asleep_too_long, asleep_too_many
from gateway.routing.endpoints import Endpoint
from model_runner import watched
from model_runner.wire.failures import RunnerError

log = logging.getLogger(__name__)

LOOK_S = 0.02
"""Between two looks at whether the runner is ready."""
ASK_AGAIN_S = 1.0
"""Between two attempts to tell the registry, and between two times that it is told."""
DESCRIBE_S = 2.0


class Activity(Protocol):
    """Where it is told which deployments are asked: the registry."""

    def note_requests(self, deployment_ids: Sequence[str]) -> None:
        """Those that are asleep are wanted from now on. May block; may raise anything."""


@dataclass(frozen=True)
class WakingConfig:
    queue: int = 100
    """Requests that wait for one deployment's runner to start; one more is refused."""
    timeout_s: float = 30.0
    """How long one of them waits."""


class _Start:
    """One deployment on its way."""

    def __init__(self) -> None:
        self.waiting = 0
        self.task: asyncio.Task[None] | None = None


class Waking:
    """Belongs to one event loop."""

    def __init__(
        self,
        activity: Activity | None,
        follow: Callable[[], None],
        refresh: Callable[[], Awaitable[None]],
        config: WakingConfig | None = None,
    ) -> None:
        """
        Args:
            activity: told who is wanted; None where nobody sleeps.
            follow: called while requests wait: where runners listen may be known only once they run.
            refresh: looks at the routes at once.
        """
        self._activity = activity
        self._follow = follow
        self._refresh = refresh
        self._config = config or WakingConfig()
        self._starts: dict[str, _Start] = {}

    def is_under_way(self, deployment_id: str) -> bool:
        """Whether requests wait for it."""
        return deployment_id in self._starts

    async def awake(self, endpoint: Endpoint) -> None:
        """Return when a runner of the deployment is ready.

        Raises:
            Refusal: too many wait already, or it took too long.
        """
        route = endpoint.route
        start = self._starts.setdefault(route.deployment_id, _Start())
        if start.waiting >= self._config.queue:
            COLD_START_REFUSALS.labels(route.workspace, endpoint.metric_model, "queue_full").inc()
            raise asleep_too_many(start.waiting)
        start.waiting += 1
        if start.task is None:
            start.task = watched.begin(self._start(endpoint), "start for a request")
        try:
            async with asyncio.timeout(self._config.timeout_s):
                # Shielded: who goes away must not end the start that others wait for.
                await asyncio.shield(start.task)
        except TimeoutError:
            COLD_START_REFUSALS.labels(route.workspace, endpoint.metric_model, "timeout").inc()
            raise asleep_too_long(self._config.timeout_s) from None
        finally:
            start.waiting -= 1
            if not start.waiting:
                start.task.cancel()
                self._starts.pop(route.deployment_id, None)

    async def _start(self, endpoint: Endpoint) -> None:
        """Until it is ready; cancelled where nobody waits any more."""
        began = perf_counter()
        telling = watched.begin(self._tell(endpoint.route.deployment_id), "telling who is wanted")
        try:
            while not await _is_ready(endpoint):
                await asyncio.sleep(LOOK_S)
                self._follow()
        finally:
            telling.cancel()
        seconds = perf_counter() - began
        COLD_START_SECONDS.labels(endpoint.route.workspace, endpoint.metric_model).observe(seconds)
        log.info("deployment %s was started for a request in %.2f s", endpoint.route.deployment_id, seconds)
        await self._refresh()

    async def _tell(self, deployment_id: str) -> None:
        """Once a second, since the registry may be away, and whoever reads it may put it to sleep in between."""
        while self._activity is not None:
            try:
                await asyncio.to_thread(self._activity.note_requests, [deployment_id])
            except Exception as error:  # whatever is wrong with the registry, requests wait as long as they may
                log.warning("deployment %s cannot be woken: %s: %s", deployment_id, type(error).__name__, error)
            await asyncio.sleep(ASK_AGAIN_S)


async def _is_ready(endpoint: Endpoint) -> bool:
    try:
        return (await endpoint.client.describe(DESCRIBE_S)).state == "ready"
    except RunnerError:
        return False
