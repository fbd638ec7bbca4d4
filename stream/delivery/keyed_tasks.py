"""Work that runs side by side, but one after another within a key."""

import asyncio
from collections.abc import Awaitable, Callable

from stream import watched

Work = Callable[[], Awaitable[bool]]
"""True when it is done; False when it was left, and what follows it in its lane is left as well."""


class KeyedTasks:
    """The work under way, by partition and key."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], asyncio.Task[bool]] = {}
        self._partition: dict[asyncio.Task[bool], int] = {}
        self.failure: BaseException | None = None
        """The first error that a piece of work raised."""

    def __len__(self) -> int:
        return len(self._partition)

    def start(self, partition: int, key: str, work: Work) -> None:
        """Run the work, after what was started before in its lane."""
        lane = (partition, key)
        task = watched.begin(_after(self._last.get(lane), work))
        self._last[lane] = task
        self._partition[task] = partition

        def ended(task: asyncio.Task[bool]) -> None:
            del self._partition[task]
            if self._last.get(lane) is task:
                del self._last[lane]
            if not task.cancelled() and task.exception() is not None:
                self.failure = self.failure or task.exception()

        task.add_done_callback(ended)

    async def room(self, most: int) -> int:
        """How many more may be started, so that `most` are under way; waits until it is at least one."""
        while len(self._partition) >= most:
            await asyncio.wait(self._partition, return_when=asyncio.FIRST_COMPLETED)
        return most - len(self._partition)

    async def cancel(self, partition: int | None = None) -> None:
        """End the work of one partition, or all of it. Returns when it has ended."""
        await watched.cancelled([task for task, of in self._partition.items() if partition is None or of == partition])


async def _after(before: asyncio.Task[bool] | None, work: Work) -> bool:
    if before is not None:
        await asyncio.wait([before])
        if before.cancelled() or before.exception() is not None or not before.result():
            return False
    return await work()
