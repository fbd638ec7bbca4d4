"""Tasks that live as long as their process: when one ends, its process says so and ends, and another is started.

State that was half changed when something unexpected was raised is not gone on with: it is read anew.
tests/unit/test_watched.py sees to it that no task is made in another way.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

CANCEL_AGAIN_S = 1.0


def begin(work: Coroutine[Any, Any, T], name: str = "") -> asyncio.Task[T]:
    """A task whose end the caller looks at."""
    return asyncio.get_running_loop().create_task(work, name=name or None)


async def cancelled(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel what has nothing to clean up; returns when all have ended.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which libraries use, loses a cancellation that comes together
    with what was waited for. We use `asyncio.timeout`, which does not.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


class Watched:
    """The tasks of one owner, who asks for `trouble` again and again."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def __bool__(self) -> bool:
        """Whether any was started."""
        return bool(self._tasks)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """To run until `stop`."""
        self._tasks.append(begin(work, name))

    def trouble(self) -> str | None:
        """Which has ended although nobody stopped it, and of what; None while all live."""
        ended = [] if self._stopping else [task for task in self._tasks if task.done()]
        return next((f"the task {task.get_name()} {_how(task)}" for task in ended), None)

    async def stop(self) -> None:
        """Cancel all; returns when they have ended."""
        self._stopping = True
        await cancelled(self._tasks)


def _how(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "was cancelled"
    error = task.exception()
    return "ended by itself" if error is None else f"failed: {error!r}"
