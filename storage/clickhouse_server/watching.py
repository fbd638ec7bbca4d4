"""Clients that hang up: their reads are killed, and what the query still writes is thrown away."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from storage.clickhouse_server.body import Receive
from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.exchange import Exchange

_KILL_EVERY_S = 0.5

Kill = Callable[[], Awaitable[None]]


async def hung_up(receive: Receive) -> None:
    """Return when the client of a request whose body is read hangs up, or has its whole answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def kill_when_gone(gone: "asyncio.Future[None]", exchange: Exchange, kill: Kill) -> None:
    """Wait for the client to hang up; when that is before its result is complete, kill the query."""
    with contextlib.suppress(asyncio.CancelledError):  # the query has ended first
        await gone
        # Again and again: the first kill may come before the engine knows the query.
        while not exchange.ended:
            with contextlib.suppress(ClickHouseError):
                await kill()
            await asyncio.sleep(_KILL_EVERY_S)


async def abandon(exchange: Exchange, kill: Kill) -> None:
    """Kill a query whose result nobody reads any more, and take what its thread still writes."""
    with contextlib.suppress(ClickHouseError):
        await kill()
    while not exchange.ended:
        await exchange.get()
