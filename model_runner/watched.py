"""Tasks and threads beside the work: none of them can die without being heard.

What is to live as long as its process is *kept*: when it raises, that is logged and counted, it is started again after
a pause, and `trouble`, which readiness asks, says why until it stays alive. Whatever else runs in the background is
*begun*: where it raises, that is logged and counted. A task whose result the caller takes is *awaited*.
tests/unit/test_watched.py holds everybody to these.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
CANCEL_AGAIN_S = 1.0
WELL_S = 10.0
"""Alive for so long, and the next death is a first one again."""

log = logging.getLogger("tidegate.watched")
on_death: list[Callable[[str], None]] = []
"""Called with the name of what died, in its thread: metrics count it."""


@dataclass(frozen=True)
class _Death:
    reason: str
    trouble_until: float


_kept: dict[str, _Death] = {}


def trouble() -> str | None:
    """Which kept task or thread of this process dies again and again, and of what; None where all are well."""
    now = time.monotonic()
    found = [f"{name} ({death.reason})" for name, death in list(_kept.items()) if death.trouble_until > now]
    return ", ".join(found) or None


def begin(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start it; what it raises is logged and counted, whether or not anybody awaits it."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_hear)
    return task


def awaited(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start it; the caller takes its result, or what it raises."""
    return asyncio.get_running_loop().create_task(work)


def keep(make: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
    """Have it run until the task is cancelled, or it returns."""
    return begin(_keep(make, name), name)


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


def begin_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Run it in a daemon thread; what it raises is logged and counted."""
    thread = threading.Thread(target=_guarded, args=(work, name), name=name, daemon=True)
    thread.start()
    return thread


def keep_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Have it run in a daemon thread until it returns."""
    return begin_thread(lambda: _keep_going(work, name), name)


def died(name: str, error: BaseException) -> None:
    """Log it and count it."""
    log.error("%s died: %s: %s", name, type(error).__name__, error, exc_info=error)
    for hear in on_death:
        hear(name)


class _Pauses:
    """Before each new start of one kept thing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pause_s = FIRST_PAUSE_S
        self._began = time.monotonic()

    def after(self, error: BaseException) -> float:
        """It died; how long to wait."""
        now = time.monotonic()
        if now - self._began > WELL_S:
            self._pause_s = FIRST_PAUSE_S
        pause = self._pause_s
        self._pause_s = min(2 * pause, LONGEST_PAUSE_S)
        self._began = now + pause
        _kept[self._name] = _Death(f"{type(error).__name__}: {error}", now + pause + max(1.0, pause))
        died(self._name, error)
        return pause


async def _keep(make: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
    pauses = _Pauses(name)
    while True:
        try:
            await make()
            return
        except Exception as error:
            pause = pauses.after(error)
        await asyncio.sleep(pause)


def _keep_going(work: Callable[[], None], name: str) -> None:
    pauses = _Pauses(name)
    while True:
        try:
            work()
            return
        except Exception as error:
            pause = pauses.after(error)
        time.sleep(pause)


def _guarded(work: Callable[[], None], name: str) -> None:
    try:
        work()
    except Exception as error:
        died(name, error)


def _hear(task: "asyncio.Task[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        died(task.get_name(), error)
