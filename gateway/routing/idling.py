"""Tells the registry, once a second, which of the deployments that may sleep are being asked."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from gateway.routing.endpoints import Endpoint
from gateway.routing.waking import Activity

log = logging.getLogger(__name__)

NOTE_S = 1.0
"""tidegate/supervisor/idleness.py adds it to the time that a deployment may be idle."""


class Idling:
    """Belongs to one event loop."""

    def __init__(self, activity: Activity, endpoints: Callable[[], Iterable[Endpoint]]) -> None:
        self._activity = activity
        self._endpoints = endpoints
        self._told: dict[str, int] = {}
        """Requests that were known when it was told last, by deployment."""

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(NOTE_S)
            asked = self._asked()
            if not asked:
                continue
            try:
                await asyncio.to_thread(self._activity.note_requests, list(asked))
            except Exception as error:  # they are told of again in a second; meanwhile nobody can put them to sleep
                log.warning("the registry was not told of requests: %s: %s", type(error).__name__, error)
            else:
                self._told |= asked

    def _asked(self) -> dict[str, int]:
        """Requests so far, of those that were asked since it was told, or have some under way."""
        may_sleep = [one for one in self._endpoints() if one.route.idle_seconds is not None]
        counts = {one.route.deployment_id: one.client.asked for one in may_sleep}
        busy = {one.route.deployment_id for one in may_sleep if one.client.under_way}
        self._told = {key: count for key, count in self._told.items() if key in counts}
        return {key: count for key, count in counts.items() if key in busy or count != self._told.get(key, 0)}
