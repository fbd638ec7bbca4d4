"""A bounded channel from the thread that runs a query to the coroutine that answers the request."""

import asyncio
from dataclasses import dataclass

from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.session import Progress


@dataclass(frozen=True, slots=True)
class Head:
    """The result begins; `progress` is what the query has done by now, `complete` that it has ended.

    `format` is None for a statement that has no result; clients tell DROP and an empty SHOW apart by it. `timezone` is
    the one that it was made in, empty for the server's; `length` is its bytes, where that is said.
    """

    format: str | None
    timezone: str
    progress: Progress
    complete: bool
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The query failed; before a Head it is the answer, after one its text has been written already."""

    error: ClickHouseError


class End:
    """The result is complete."""


Item = Head | Failure | End | bytes


class Exchange:
    """Holds at most `size` items; the thread waits while the client is slow."""

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int = 8) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[Item] = asyncio.Queue(size)
        self.ended = False
        """Whether the last item, an End or a Failure, has been taken."""

    def put(self, item: Item) -> None:
        """From the query's thread: hand over one item, waiting for room."""
        asyncio.run_coroutine_threadsafe(self._queue.put(item), self._loop).result()

    def fail(self, error: ClickHouseError) -> None:
        """From the loop: its thread is gone, and nothing more will come."""
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(Failure(error))

    async def get(self) -> Item:
        """From the loop: the next item."""
        item = await self._queue.get()
        self.ended = isinstance(item, End | Failure)
        return item
