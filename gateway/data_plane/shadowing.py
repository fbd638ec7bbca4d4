"""Copies of requests for shadows: sent once the caller has the answer, few at a time, dropped where there are more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter

from msgspec import structs

from gateway.data_plane.calls import Call
from gateway.data_plane.predicting import attempt
from gateway.refusals import Refusal
from gateway.routing.endpoints import Endpoint
from gateway.routing.waking import Waking
from model_runner import watched

log = logging.getLogger(__name__)

MOST_COPIES = 32
"""Under way to one shadow; one more is dropped. A shadow that is slower than the traffic sees a part of it."""
MOST_ROWS = 20_000
"""Of all copies under way to one shadow together; a single larger copy still goes alone."""


class Shadowing:
    """Belongs to one event loop."""

    def __init__(self, emit: Callable[[Call, Endpoint], Awaitable[None]], waking: Waking) -> None:
        """
        Args:
            emit: takes the events of a copy.
            waking: starts a shadow that sleeps.
        """
        self._emit = emit
        self._waking = waking
        self._tasks: set[asyncio.Task[None]] = set()

    def copy(self, call: Call, shadow: Endpoint) -> None:
        """Send one, or count that it was dropped. Never waits, never raises."""
        rows = len(call.instances)
        busy = shadow.copies_under_way
        if busy >= MOST_COPIES or (busy and shadow.rows_under_way + rows > MOST_ROWS):
            shadow.count_copy("dropped")
            return
        shadow.copies_under_way += 1
        shadow.rows_under_way += rows
        copied = Call(call.received, perf_counter(), call.request_id, shadow, call.instances)
        task = watched.begin(self._run(copied, shadow, rows), "copy for a shadow")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way; it makes no events."""
        await watched.cancelled(self._tasks)

    async def _run(self, call: Call, shadow: Endpoint, rows: int) -> None:
        try:
            await self._emit(await self._asked(call, shadow), shadow)
        except Exception:
            log.exception("the copy of request %s failed", call.request_id)
        finally:
            shadow.copies_under_way -= 1
            shadow.rows_under_way -= rows

    async def _asked(self, call: Call, shadow: Endpoint) -> Call:
        _, result = await attempt(call.instances, shadow, self._waking)
        call = structs.replace(call, latency_ms=round((perf_counter() - call.began) * 1000, 3))
        if isinstance(result, Refusal):
            shadow.count_copy("failed")
            return call.refused(result)
        shadow.count_copy("answered")
        return structs.replace(call, predicted=result)
