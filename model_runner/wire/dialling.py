"""Connects to a runner: by a Unix socket, or over TCP, where both sides prove that they know the token."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from model_runner.wire.frames import FrameReader, encode_frame
from model_runner.wire.handshake import (
    MOST_BYTES,
    NONCE_BYTES,
    PATIENCE_S,
    Hello,
    Proof,
    Welcome,
    is_runner,
    proof,
)
from model_runner.wire.tcp_address import is_tcp, parse_tcp

P = TypeVar("P", bound=asyncio.Protocol)


class NotARunnerError(OSError):
    """Who listens there did not prove that it knows the token."""


async def dial(address: str, token: str | None, make: Callable[[], P]) -> P:
    """One attempt.

    Raises:
        OSError: nobody listens, or somebody else than this deployment's runner.
    """
    loop = asyncio.get_running_loop()
    if not is_tcp(address):
        _, connection = await loop.create_unix_connection(make, address)
        return connection
    where = parse_tcp(address)
    try:
        async with asyncio.timeout(PATIENCE_S):
            transport, greeting = await loop.create_connection(
                lambda: _Greeting(token or "", make), where.host, where.port
            )
            _keep_alive(transport.get_extra_info("socket"))
            return await greeting.done
    except TimeoutError:
        raise OSError(f"no answer in {PATIENCE_S:g} s") from None


class _Greeting(asyncio.Protocol, Generic[P]):
    """Gives its place to the real connection once the runner has proved itself."""

    def __init__(self, token: str, make: Callable[[], P]) -> None:
        self.done: asyncio.Future[P] = asyncio.get_running_loop().create_future()
        self._token = token
        self._make = make
        self._reader = FrameReader(MOST_BYTES)
        self._transport: asyncio.Transport | None = None
        self._hello: Hello | None = None
        self._sent: Proof | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are no subclasses of asyncio's

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._handle(frame)
        except Exception:  # whatever a decoder makes of bytes that are no handshake
            self._fail("who listens there speaks something else")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"it closed the connection before the handshake was done, as it does for a wrong token ({exc})")

    def _handle(self, frame: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - who receives is connected
        if self._hello is None:
            self._hello = msgspec.msgpack.decode(frame, type=Hello)
            self._sent = proof(self._token, self._hello, secrets.token_bytes(NONCE_BYTES))
            self._transport.write(encode_frame(self._sent))
            return
        given = msgspec.msgpack.decode(frame, type=Welcome)
        if self._sent is None or not is_runner(self._token, self._hello, self._sent, given):
            self._fail("it does not know the token")
            return
        connection = self._make()
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        if not self.done.done():
            self.done.set_result(connection)

    def _fail(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.abort()
        if not self.done.done():
            self.done.set_exception(NotARunnerError(reason))


def _keep_alive(connection: socket.socket) -> None:
    """A machine that is gone says nothing: notice it within 20 s, idle or with requests under way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 20_000)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
