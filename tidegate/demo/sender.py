"""Live traffic: the scheduled requests over several connections, at the rows per second that were asked for."""

import asyncio
import time
from collections.abc import Callable, Sequence

import httpx

from tidegate.demo.tally import Tally
from tidegate.demo.traffic import Parcel

TIMEOUT_S = 30.0
CATCH_UP_S = 0.5
"""A sender that is later than this does not send the missed rows at once: a burst is no traffic."""


async def send(
    url: str,
    parcels: Sequence[Parcel],
    rows_per_s: float,
    tally: Tally,
    *,
    connections: int = 8,
    on_sent: Callable[[Parcel], None] = lambda _: None,
) -> None:
    """Send every parcel once, when it is due, at most `connections` at a time. Failures are counted, not raised."""
    queue: asyncio.Queue[Parcel | None] = asyncio.Queue(maxsize=connections)
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(connections):
            tasks.create_task(_work(client, url, queue, tally))
        await _pace(parcels, rows_per_s, queue, on_sent)
        for _ in range(connections):
            await queue.put(None)


async def _pace(
    parcels: Sequence[Parcel], rows_per_s: float, queue: asyncio.Queue[Parcel | None], on_sent: Callable[[Parcel], None]
) -> None:
    start = time.monotonic()
    for parcel in parcels:
        due = start + parcel.first_row / rows_per_s
        late = time.monotonic() - due
        if late < 0:
            await asyncio.sleep(-late)
        elif late > CATCH_UP_S:
            start += late
        await queue.put(parcel)
        on_sent(parcel)


async def _work(client: httpx.AsyncClient, url: str, queue: asyncio.Queue[Parcel | None], tally: Tally) -> None:
    while (parcel := await queue.get()) is not None:
        tally.sending(parcel.stream, time.time())
        began = time.monotonic()
        try:
            answer = await client.post(url, json=parcel.body)
            outcome = str(answer.status_code)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        now = time.monotonic()
        tally.answered(parcel.stream, outcome, len(parcel.rows), now, now - began)
