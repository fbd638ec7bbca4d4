"""A request's body: read whole before anything runs, in memory when small and on disk when large."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from storage.clickhouse_server.block_compression import decompress_blocks
from storage.clickhouse_server.errors import (
    REQUEST_TOO_LARGE,
    SOCKET_TIMEOUT,
    ClickHouseError,
)
from storage.clickhouse_server.http_compression import decoded

PIECE = 1 << 20

Receive = Callable[[], Awaitable[dict[str, Any]]]


class ClientGoneError(Exception):
    """The client hung up before its body was complete: nothing of it is executed."""


class Spool:
    """Bytes that are written once and then read, above `memory` in a file of `folder`, never above `limit`."""

    def __init__(self, folder: Path, memory: int, limit: int) -> None:
        self.file = tempfile.SpooledTemporaryFile(memory, dir=str(folder))  # noqa: SIM115 - see close
        self._limit = limit
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises ClickHouseError 307 above the limit."""
        self.size += len(data)
        if self.size > self._limit:
            raise too_large(self._limit)
        self.file.write(data)

    def head(self, size: int) -> bytes:
        """The first bytes."""
        self.file.seek(0)
        return self.file.read(size)

    def pieces(self, start: int, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` on, up to `end`."""
        self.file.seek(start)
        left = self.size - start if end is None else end - start
        while left > 0 and (piece := self.file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece

    def descriptor(self) -> int:
        """Of a file with all of the bytes; there have to be some."""
        self.file.rollover()
        self.file.flush()
        return self.file.fileno()

    def close(self) -> None:
        """Forget the bytes."""
        self.file.close()


def too_large(limit: int) -> ClickHouseError:
    """The refusal of a body above `limit` bytes."""
    text = f"The request body is larger than {limit} bytes: send it in smaller batches, or raise --max-body-bytes"
    return ClickHouseError(REQUEST_TOO_LARGE, text, "TOO_MANY_BYTES")


async def receive_body(receive: Receive, spool: Spool, stall_s: float) -> None:
    """Read the request's body into `spool`.

    Raises ClientGoneError when it ends before it is complete, ClickHouseError 307 when it is too large and
    209 when nothing of it comes for `stall_s` seconds.
    """
    while True:
        try:
            async with asyncio.timeout(stall_s):
                message = await receive()
        except TimeoutError:
            text = f"Nothing of the request's body came for {stall_s:g} s"
            raise ClickHouseError(SOCKET_TIMEOUT, text, "SOCKET_TIMEOUT") from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        spool.write(message.get("body", b""))
        if not message.get("more_body", False):
            return


def decode_body(raw: Spool, plain: Spool, encoding: str, *, native: bool) -> Spool:
    """`raw` undone of its HTTP encoding and then of ClickHouse's blocks: `plain`, or `raw` itself if it has neither.

    All of it is decoded before any is used, so a body that is cut off executes nothing.
    """
    encoded = encoding.strip().lower() not in ("", "identity")
    if not (encoded or native) or not raw.size:
        return raw
    raw.file.seek(0)
    if not encoded:
        _fill(plain, decompress_blocks(raw.file))
    elif not native:
        _fill(plain, decoded(raw.file, encoding))
    else:
        _fill(plain, decompress_blocks(_Joined(decoded(raw.file, encoding))))
    return plain


def _fill(spool: Spool, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        spool.write(piece)


class _Joined:
    """Pieces as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, fewer only at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken
