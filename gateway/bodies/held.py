"""Request bodies that are held in memory: one budget for all of them.

What is streamed on (a push, an object of Git LFS) is not held, and does not count. A body alone always fits: its own
bound is another one. How slowly one may come is a matter of its connection (web/connection_limits.py); here a slow
one only gives way, where somebody else needs its room.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from gateway.prometheus import BODIES_REFUSED
from gateway.refusals import RETRY_AFTER_S, Refusal


@dataclass(frozen=True)
class Hurry:
    """Who gives way where the budget is used up, of the bodies that are coming."""

    after_s: float = 5.0
    """Nobody who began more lately than this."""
    bytes_a_second: int = 5_000
    """All that have come more slowly than this since they began; where there are none, the one that began first."""


@dataclass(eq=False, slots=True)
class HeldBody:
    """One of them."""

    everyone: "HeldBodies"
    size: int = 0
    began: float = 0.0
    timeout: asyncio.Timeout | None = None
    """While it is being received."""
    gives_way: bool = False

    def add(self, size: int) -> None:
        """So many bytes more are held. Raises Refusal where they are too many, with those of the others."""
        self.everyone.take(self, size)

    @contextlib.asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """Around all that receives it. Raises Refusal where it has to give way."""
        self.began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(None) as self.timeout:
                yield
        except TimeoutError:
            BODIES_REFUSED.labels(self.everyone.door, "gave_way").inc()
            raise _full() from None
        finally:
            self.timeout = None

    def is_slow(self, now: float, hurry: Hurry) -> bool:
        """Whether it has come for so long, and more slowly than who stays."""
        took_s = now - self.began
        return took_s > hurry.after_s and self.size < took_s * hurry.bytes_a_second


class HeldBodies:
    """All of one door."""

    def __init__(self, door: str, most_bytes: int, hurry: Hurry | None = None) -> None:
        self.door = door
        self.hurry = hurry or Hurry()
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
        """Count them. Raises Refusal where they do not fit, also when others have given way."""
        if not self._fits(body, size):
            self._make_room()
        if body.gives_way or not self._fits(body, size):
            BODIES_REFUSED.labels(self.door, "full").inc()
            raise _full()
        self.size += size
        body.size += size

    def _fits(self, body: HeldBody, size: int) -> bool:
        return self.size + size <= self._most or self.size <= body.size

    def _make_room(self) -> None:
        """The slow make room: else those that drip would keep it from everybody."""
        now = asyncio.get_running_loop().time()
        coming = [body for body in self._all if body.timeout is not None and not body.gives_way]
        slow = [body for body in coming if body.is_slow(now, self.hurry)]
        oldest = min(coming, key=lambda body: body.began, default=None)
        if not slow and oldest is not None and now - oldest.began > self.hurry.after_s:
            slow = [oldest]
        for body in slow:
            self._let_go(body, now)

    def _let_go(self, body: HeldBody, now: float) -> None:
        """It holds nothing from now on: what it had goes as soon as its task has its turn."""
        body.gives_way = True
        if body.timeout is not None:
            body.timeout.reschedule(now)
        self.size -= body.size
        body.size = 0


def _full() -> Refusal:
    message = "The bodies of the requests under way fill all the memory that they may have; try again shortly"
    return Refusal(503, "bodies_full", message, retry_after_s=RETRY_AFTER_S)
