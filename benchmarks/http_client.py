"""The least HTTP client: one request that never changes, over one kept connection. A real one would cost more than the
gateway, and so measure itself."""

import asyncio
from typing import cast

END_OF_HEADERS = b"\r\n\r\n"
LENGTH = b"content-length:"


class AnswerError(Exception):
    """The server answered something else than 200."""


class Connection(asyncio.Protocol):
    """`ask` again and again, one at a time."""

    def __init__(self, path: str, body: bytes) -> None:
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self._request = head.encode() + body
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, port: int, path: str, body: bytes) -> "Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(path, body), "127.0.0.1", port)
        return connection

    async def ask(self) -> None:
        """Send the request and wait for the whole answer. Raises AnswerError, ConnectionError."""
        if self._transport is None:
            raise ConnectionError("the server closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._request)
        await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses of asyncio's

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        headers = self._buffer.find(END_OF_HEADERS)
        if headers < 0 or len(self._buffer) < headers + len(END_OF_HEADERS) + _length(self._buffer[:headers]):
            return
        answer = bytes(self._buffer)
        self._buffer.clear()
        self._finish(
            None if answer.startswith(b"HTTP/1.1 200 ") else AnswerError(answer[:500].decode(errors="replace"))
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _finish(self, error: Exception | None) -> None:
        if self._answer is None or self._answer.done():
            return
        if error is None:
            self._answer.set_result(None)
        else:
            self._answer.set_exception(error)


def _length(headers: bytearray) -> int:
    """Of the body. The gateway always says it."""
    start = headers.lower().index(LENGTH) + len(LENGTH)
    return int(headers[start:].split(b"\r\n", 1)[0])
