"""The gateway's end of one connection to a runner: answers matched to requests, and lies found."""

import asyncio
from collections.abc import Callable
from typing import cast

from model_runner.wire.failures import (
    RunnerError,
    RunnerFailedError,
    RunnerLiedError,
    RunnerUnavailableError,
)
from model_runner.wire.frames import (
    CANCEL,
    MAX_REPLY_BYTES,
    OF_THE_CONNECTION,
    STOPPING,
    FrameReader,
    Reply,
    Request,
    encode_frame,
    reply_decoder,
)
from model_runner.wire.replies import shortened


class RunnerConnection(asyncio.Protocol):
    def __init__(
        self, lost: Callable[["RunnerConnection"], None], lied: Callable[[str], None], *, is_taken_on: bool = False
    ) -> None:
        """
        Args:
            lost: called with this connection when it ends.
            lied: called with what it sent that no runner sends.
            is_taken_on: whether a handshake has shown that the runner reads what is sent.
        """
        self.pending: dict[int, asyncio.Future[Reply]] = {}
        self.transport: asyncio.Transport | None = None
        self._lost = lost
        self._lied = lied
        self._given_up = 0
        """Requests that nobody waits for any more, and which may be answered all the same."""
        self._is_taken_on = is_taken_on
        self._reader = FrameReader(MAX_REPLY_BYTES)
        self._decoder = reply_decoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.transport is None:
            return
        try:
            for frame in self._reader.feed(data):
                self._take(self._decoder.decode(frame))
                if self.transport is None:
                    return
        except Exception as error:  # whatever a decoder makes of bytes that no runner sends
            self.drop(f"bytes that are no answer ({type(error).__name__}: {shortened(str(error))})")

    def connection_lost(self, exc: Exception | None) -> None:
        why = exc or "it closed the connection"
        if self._is_taken_on:
            self._end(RunnerFailedError(f"the runner went away: {why}"))
        else:
            # It waited to be accepted by a process that ended: nobody has read what was sent.
            self._end(RunnerUnavailableError(f"the runner ended before it took the connection on: {why}"))

    def give_up(self, request: int) -> None:
        """Where nobody waits any more, the runner need not compute it."""
        if self.pending.pop(request, None) is not None and self.transport is not None:
            self._given_up += 1
            self.transport.write(encode_frame(Request(request, CANCEL)))

    def drop(self, lie: str) -> None:
        """Who lied once is not listened to any more; what is under way on this connection fails."""
        transport = self.transport
        self._lied(lie)
        self._end(RunnerLiedError(f"the runner sent {lie}"))
        if transport is not None:
            transport.abort()

    def _take(self, reply: Reply) -> None:
        if reply.id == OF_THE_CONNECTION:
            self._told(reply)
            return
        future = self.pending.pop(reply.id, None)
        if future is not None:
            if not future.done():
                future.set_result(reply)
        elif self._given_up:
            self._given_up -= 1
        else:
            self.drop("an answer that nobody asked for")

    def _told(self, reply: Reply) -> None:
        """Of the connection itself, not of a request."""
        if reply.error == STOPPING:
            self._part()
        elif reply.error is None and not self._is_taken_on:
            self._is_taken_on = True
        else:
            self.drop("an answer that nobody asked for")

    def _part(self) -> None:
        """It leaves, and has begun nothing of what it did not answer."""
        transport = self.transport
        self._end(RunnerUnavailableError("the runner is stopping"))
        if transport is not None:
            transport.abort()

    def _end(self, why: RunnerError) -> None:
        self.transport = None
        for future in self.pending.values():
            if not future.done():
                future.set_exception(why)
        self.pending.clear()
        self._lost(self)
