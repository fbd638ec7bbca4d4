"""What a runner that was a candidate is once it has to be started again: one of the artifact, as any other."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from model_runner import watched
from tidegate.supervisor.part import Part
from tidegate.supervisor.plan import PartSpec

LATER_S = 2.0
"""Its files are fetched beside what it serves: not in the moment in which traffic comes to it."""
RETRY_S = 5.0


class Succession:
    """Made as soon as a candidate is taken over, so that a store which is away later keeps nobody from serving."""

    def __init__(self, part: Part, spec: Callable[[], Awaitable[PartSpec | None]], folder: Path) -> None:
        """
        Args:
            spec: made for the artifact; None where that cannot be now.
            folder: of the candidate, which its process reads as long as it lives.
        """
        self._part = part
        self._spec = spec
        self._folder = folder
        self._needed = asyncio.Event()
        self._task = watched.begin(self._prepare(), f"succession of {part.spec.name}")
        part.before_again = self._take_over

    def cancel(self) -> None:
        """It is not started again."""
        self._task.cancel()

    async def remove(self) -> None:
        """Its process is no more."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _prepare(self) -> None:
        await self._within(LATER_S)
        while (spec := await self._spec()) is None:  # noqa: ASYNC110  whoever has its files tells nobody
            await asyncio.sleep(RETRY_S)
        self._part.spec = spec

    async def _within(self, seconds: float) -> None:
        """Or as soon as it is needed."""
        waiting = watched.awaited(self._needed.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()

    async def _take_over(self) -> None:
        self._needed.set()
        await asyncio.wait({self._task})
        self._part.before_again = None
        await self.remove()
