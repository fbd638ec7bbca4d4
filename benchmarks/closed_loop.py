"""Clients that each ask again as soon as they were answered: what rate comes of it, and how long an answer takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.report import quantile

Ask = Callable[[], Awaitable[object]]
WARM_S = 0.5
"""Not counted."""


@dataclass(frozen=True)
class Load:
    """What was seen in one go."""

    seconds: float
    latencies_s: Sequence[float]

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.seconds

    def quantile_ms(self, q: float) -> float:
        return quantile(self.latencies_s, q) * 1000


async def closed_loop(clients: Sequence[Ask], seconds: float) -> Load:
    """All clients at once, for so long. An error of any of them ends it and is raised."""
    await _ask_until(clients, time.perf_counter() + WARM_S)
    began = time.perf_counter()
    latencies = await _ask_until(clients, began + seconds)
    return Load(time.perf_counter() - began, latencies)


async def _ask_until(clients: Sequence[Ask], end: float) -> list[float]:
    latencies: list[float] = []

    async def ask_again_and_again(ask: Ask) -> None:
        now = time.perf_counter()
        while now < end:
            await ask()
            answered = time.perf_counter()
            latencies.append(answered - now)
            now = answered

    async with asyncio.TaskGroup() as group:
        for ask in clients:
            group.create_task(ask_again_and_again(ask))
    return latencies
