"""Connections shared by many requests: so many run, so many wait, the next is refused."""

import asyncio
from collections.abc import Sequence

from storage.clickhouse_server.errors import TOO_MANY_SIMULTANEOUS_QUERIES, ClickHouseError
from storage.clickhouse_server.session import Session


class Pool:
    """Gives out sessions, the last used first (its caches are warm). Lives on one event loop."""

    def __init__(self, sessions: Sequence[Session], max_waiting: int, max_wait_s: float) -> None:
        self.sessions = tuple(sessions)
        self._free = list(sessions)
        self._room = asyncio.Semaphore(len(self._free))
        self._max_waiting = max_waiting
        self._max_wait_s = max_wait_s
        self.waiting = 0
        """Requests that wait now."""

    async def acquire(self) -> Session:
        """A session, as soon as one is free.

        Raises ClickHouseError 202 when too many wait already, or when none got free in time.
        """
        if self._room.locked() and self.waiting >= self._max_waiting:
            raise self._refusal(f"{self.waiting} requests wait already")
        self.waiting += 1
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._room.acquire()
        except TimeoutError:
            raise self._refusal(f"none got free in {self._max_wait_s:g} s") from None
        finally:
            self.waiting -= 1
        return self._free.pop()

    def release(self, session: Session) -> None:
        """Give a session back."""
        self._free.append(session)
        self._room.release()

    @property
    def busy(self) -> int:
        """Sessions given out now."""
        return len(self.sessions) - len(self._free)

    def _refusal(self, why: str) -> ClickHouseError:
        text = (
            f"Too many simultaneous queries: all {len(self.sessions)} connections are busy and {why}. Try again later"
        )
        return ClickHouseError(TOO_MANY_SIMULTANEOUS_QUERIES, text, "TOO_MANY_SIMULTANEOUS_QUERIES")
