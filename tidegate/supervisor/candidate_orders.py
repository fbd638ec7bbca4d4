"""Orders of a deployer, read from its connection; answers to it; and the end of what it holds."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Literal

from model_runner import watched
from tidegate.candidates.protocol import (
    Answer,
    Order,
    decode_order,
    encode,
)


async def never() -> Literal[True]:
    """What is waited for in place of something that was told already."""
    return await asyncio.Event().wait()


async def either(*events: asyncio.Event) -> None:
    """Return at the first of them."""
    waiting = [watched.awaited(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


async def next_order(reader: StreamReader) -> Order | None:
    """The next order; None where there is none any more. Raises one of UNREADABLE."""
    line = await reader.readline()
    return decode_order(line) if line.endswith(b"\n") else None


async def send_answer(writer: StreamWriter, answer: Answer) -> None:
    """Raises ConnectionError: nobody reads it."""
    writer.write(encode(answer))
    await writer.drain()
