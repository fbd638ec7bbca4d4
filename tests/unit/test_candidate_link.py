"""What the supervisor says of a candidate is heard once, however often whoever waits for it changes their mind."""

import asyncio
import socket

import pytest

from tidegate.candidates.connection import HostGoneError, Link
from tidegate.candidates.protocol import Answer, Ended, encode

ENDED = Ended(code=-9, said="the end of its log", out_of_memory=False)


@pytest.mark.parametrize("turns", range(8))
def test_an_answer_that_comes_as_its_wait_is_cancelled_is_heard_by_the_next(turns: int) -> None:
    async def run() -> Answer:
        ours, theirs = socket.socketpair()
        with theirs:
            link = Link(ours)
            first = asyncio.ensure_future(link.answer())
            await asyncio.sleep(0)
            theirs.send(encode(ENDED))
            for _ in range(turns):
                await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait({first})
            try:
                return first.result() if not first.cancelled() else await asyncio.wait_for(link.answer(), 60)
            finally:
                link.close()

    assert asyncio.run(run()) == ENDED


def test_the_end_of_the_connection_is_the_end_of_the_stack() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        theirs.send(encode(ENDED)[:-3])
        theirs.close()
        link = Link(ours)
        try:
            with pytest.raises(HostGoneError, match="deploy it again"):
                await link.answer()
        finally:
            link.close()

    asyncio.run(run())
