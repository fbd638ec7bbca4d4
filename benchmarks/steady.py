"""Requests at a steady rate, whatever the answers take: an open loop."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import msgspec

from benchmarks.deploying import rows
from benchmarks.http_client import Connection
from tests.support.stack import RunningStack

CONNECTIONS = 32
"""Where all of them wait for an answer, the rate is not kept, and the figures say so."""
SEED = 12


@dataclass(frozen=True)
class Sent:
    """What was sent and answered with 200."""

    rows: int
    seconds: float
    latencies_s: list[float]
    """One a request."""


async def send_steadily(stack: RunningStack, model: str, per_second: int, batch: int, seconds: int) -> Sent:
    """`per_second` requests of `batch` rows each, evenly spaced. An answer other than 200 is raised."""
    path = f"/v1/models/{model}/predict"
    port = stack.settings.gateway_port
    bodies = [msgspec.json.encode({"instances": rows(batch, SEED + i)}) for i in range(CONNECTIONS)]
    idle = deque([await Connection.open(port, path, body) for body in bodies])
    latencies: list[float] = []
    free = asyncio.Semaphore(CONNECTIONS)

    async def ask(connection: Connection) -> None:
        began = time.perf_counter()
        try:
            await connection.ask()
            latencies.append(time.perf_counter() - began)
        finally:
            idle.append(connection)
            free.release()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(per_second * seconds):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            await free.acquire()
            group.create_task(ask(idle.popleft()))
    for connection in idle:
        connection.close()
    return Sent(len(latencies) * batch, time.perf_counter() - began, latencies)
