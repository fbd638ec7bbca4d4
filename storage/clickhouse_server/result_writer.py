"""What a query's thread does with the bytes of its result: compress, hold back, hand over.

The first bytes are held back so that a query that fails early is answered with its status and not with half
a result; with wait_end_of_query all of them are, on disk when they are many. Of a result that comes block by block
only the first block is, unless buffer_size says more.
"""

import tempfile
from pathlib import Path

from storage.clickhouse_server.block_compression import compress_blocks
from storage.clickhouse_server.errors import TOO_MANY_ROWS_OR_BYTES, ClickHouseError
from storage.clickhouse_server.exchange import End, Exchange, Failure, Head
from storage.clickhouse_server.http_compression import Encoder
from storage.clickhouse_server.session import Progress

_MEMORY = 8 << 20
_PIECE = 1 << 18


class ResultWriter:
    """Writes one result into an exchange.

    `hold_back` is in bytes; `patient` tells that the client itself asked to hold that much back.
    """

    def __init__(
        self,
        exchange: Exchange,
        scratch: Path,
        *,
        hold_back: int,
        patient: bool,
        native_compress: bool,
        encoder: Encoder | None,
        exception_tag: str,
        whole: bool = False,
    ) -> None:
        self.progress = Progress()
        self._exchange = exchange
        self._hold_back = hold_back
        self._patient = patient
        self._native_compress = native_compress
        self._encoder = encoder
        self._tag = exception_tag
        self._whole = whole
        self._format = self._timezone = ""
        self._held = tempfile.SpooledTemporaryFile(_MEMORY, dir=str(scratch))  # noqa: SIM115 - closed in __exit__
        self._started = False
        self._answers = True

    def __enter__(self) -> "ResultWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def begin(self, output_format: str, timezone: str, *, answers: bool = True) -> None:
        """Name the result's format and time zone (empty: the server's), before its first byte.

        `answers` tells that the statement has a result even where that is empty.
        """
        self._format, self._timezone, self._answers = output_format, timezone, answers

    def write(self, data: bytes) -> None:
        """Take the result's next bytes, in its format."""
        self._answers = self._answers or bool(data)
        self._pass_on(self._encoded(data))

    def release(self) -> None:
        """More than one block has come: as in ClickHouse what is held goes out, unless the client asked to hold it."""
        if not self._patient and self._held.tell():
            self._start(complete=False)

    def finish(self) -> None:
        """The query has ended well."""
        if self._encoder is not None:
            self._pass_on(self._encoder.finish())
        self._start(complete=True)
        self._exchange.put(End())

    def fail(self, error: ClickHouseError, version: str) -> None:
        """The query has failed: drop what was held back, or end what the client already has with the error.

        The end mark is ClickHouse's: the text between two `__exception__` lines with the response's tag.
        """
        if self._started:
            text = error.body(version)
            mark = f"\r\n__exception__\r\n{self._tag}\r\n{text}{len(text.encode())} {self._tag}\r\n__exception__\r\n"
            data = self._encoded(mark.encode())
            if self._encoder is not None:
                data += self._encoder.finish()
            self._exchange.put(data)
        self._exchange.put(Failure(error))

    def _encoded(self, data: bytes) -> bytes:
        if self._native_compress:
            data = b"".join(compress_blocks(data))
        return self._encoder.encode(data) if self._encoder is not None else data

    def _pass_on(self, data: bytes) -> None:
        if not data:
            return
        if self._started:
            self._exchange.put(data)
            return
        self._held.write(data)
        if self._held.tell() >= self._hold_back:
            if self._whole:
                text = f"A result above {self._hold_back} bytes needs HTTP/1.1: HTTP/1.0 cannot tell a cut one"
                raise ClickHouseError(TOO_MANY_ROWS_OR_BYTES, text, "TOO_MANY_ROWS_OR_BYTES")
            self._start(complete=False)

    def _start(self, *, complete: bool) -> None:
        if self._started:
            return
        self._started = True
        length = self._held.tell() if self._whole else None
        named = self._format if self._answers else None
        self._exchange.put(Head(named, self._timezone, self.progress, complete, length))
        self._held.seek(0)
        while piece := self._held.read(_PIECE):
            self._exchange.put(piece)
