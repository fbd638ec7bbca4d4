"""Request bodies that are held in memory: one budget for all of them, and a pace that each has to keep.

What is streamed on (a push, an object of Git LFS) is not held, and does not count. A body alone always fits: its own
bound is another one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from gateway.metrics import BODIES_REFUSED
from gateway.refusals import RETRY_AFTER_S, Refusal


@dataclass(frozen=True)
class Pace:
    """How fast a body has to come that did not come at once."""

    seconds: float = 10.0
    least_bytes: int = 50_000
    """In each such period, or the end."""
    hurried_s: float = 5.0
    """Where the budget is used up, the one that has been coming for longest ends, if it took longer than this."""


@dataclass(eq=False, slots=True)
class HeldBody:
    """One of them."""

    everyone: "HeldBodies"
    size: int = 0
    began: float = 0.0
    timeout: asyncio.Timeout | None = None
    """While it is being received."""
    gives_way: bool = False
    _counted: int = field(default=0)

    def add(self, size: int) -> None:
        """So many bytes more are held. Raises Refusal where they are too many, with those of the others."""
        self.everyone.take(self, size)

    @contextlib.asynccontextmanager
    async def paced(self) -> AsyncIterator[None]:
        """Around all that receives it. Raises Refusal where it comes too slowly, or has to give way."""
        loop = asyncio.get_running_loop()
        pace, self.began = self.everyone.pace, loop.time()
        self._counted = self.size
        try:
            async with asyncio.timeout(pace.seconds) as self.timeout:
                yield
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self.timeout = None

    def keeps_pace(self) -> None:
        """Look after each piece that came."""
        pace = self.everyone.pace
        if self.timeout is not None and not self.gives_way and self.size - self._counted >= pace.least_bytes:
            self._counted = self.size
            self.timeout.reschedule(asyncio.get_running_loop().time() + pace.seconds)

    def _too_slow(self) -> Refusal:
        if self.gives_way:
            BODIES_REFUSED.labels(self.everyone.door, "gave_way").inc()
            return _full()
        BODIES_REFUSED.labels(self.everyone.door, "slow").inc()
        pace = self.everyone.pace
        message = f"Less than {pace.least_bytes} bytes of the body came within {pace.seconds:g} s"
        return Refusal(408, "body_timeout", f"{message}; send it at once")


class HeldBodies:
    """All of one door."""

    def __init__(self, door: str, most_bytes: int, pace: Pace | None = None) -> None:
        self.door = door
        self.pace = pace or Pace()
        self.size = 0
        self._most = most_bytes
        self._all: dict[HeldBody, None] = {}

    @contextlib.contextmanager
    def hold(self) -> Iterator[HeldBody]:
        """For as long as a request's body, or what was made of it, is in use."""
        body = HeldBody(self)
        self._all[body] = None
        try:
            yield body
        finally:
            del self._all[body]
            self.size -= body.size

    def take(self, body: HeldBody, size: int) -> None:
        """Count them. Raises Refusal where they do not fit."""
        if self.size + size > self._most and self.size > body.size:
            self._make_room()
            BODIES_REFUSED.labels(self.door, "full").inc()
            raise _full()
        self.size += size
        body.size += size

    def _make_room(self) -> None:
        """The slowest makes room for who comes next: else those that drip would keep it from everybody."""
        now = asyncio.get_running_loop().time()
        coming = (body for body in self._all if body.timeout is not None and not body.gives_way)
        oldest = min(coming, key=lambda body: body.began, default=None)
        if oldest is not None and oldest.timeout is not None and now - oldest.began > self.pace.hurried_s:
            oldest.gives_way = True
            oldest.timeout.reschedule(now)


def _full() -> Refusal:
    message = "The bodies of the requests under way fill all the memory that they may have; try again shortly"
    return Refusal(503, "bodies_full", message, retry_after_s=RETRY_AFTER_S)
