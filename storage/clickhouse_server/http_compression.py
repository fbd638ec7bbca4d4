"""HTTP's compression in both directions: gzip, deflate, lz4 (frames), zstd, br."""

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol

import cramjam
import lz4.frame
import zstandard

from storage.clickhouse_server.errors import CANNOT_DECOMPRESS, UNKNOWN_COMPRESSION_METHOD, ClickHouseError

CHUNK = 1 << 18


class Encoder(Protocol):
    """A streaming compressor."""

    def encode(self, data: bytes) -> bytes:
        """What is ready after `data` went in; may be empty."""

    def finish(self) -> bytes:
        """The rest, and the end mark."""


class Readable(Protocol):
    """Something to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""


class _Zlib:
    def __init__(self, window: int) -> None:
        self._state = zlib.compressobj(3, zlib.DEFLATED, window)

    def encode(self, data: bytes) -> bytes:
        return self._state.compress(data)

    def finish(self) -> bytes:
        return self._state.flush()


class _Lz4:
    def __init__(self) -> None:
        self._state = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def encode(self, data: bytes) -> bytes:
        head = b"" if self._begun else self._state.begin()
        self._begun = True
        return bytes(head + self._state.compress(data))

    def finish(self) -> bytes:
        head = b"" if self._begun else self._state.begin()
        return bytes(head + self._state.flush())


class _Zstd:
    def __init__(self) -> None:
        self._state = zstandard.ZstdCompressor(level=1).compressobj()

    def encode(self, data: bytes) -> bytes:
        return self._state.compress(data)

    def finish(self) -> bytes:
        return self._state.flush()


class _Brotli:
    def __init__(self) -> None:
        self._state = cramjam.brotli.Compressor(level=3)

    def encode(self, data: bytes) -> bytes:
        self._state.compress(data)
        return bytes(self._state.flush())

    def finish(self) -> bytes:
        return bytes(self._state.finish())


# In the order of preference among what a client accepts: the cheapest first.
_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "lz4": _Lz4,
    "zstd": _Zstd,
    "gzip": lambda: _Zlib(31),
    "br": _Brotli,
    "deflate": lambda: _Zlib(15),
}


def choose_encoding(accept: str) -> str | None:
    """The encoding for an Accept-Encoding header; None for none that is known."""
    wanted: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, _, weight = part.strip().partition(";")
        try:
            wanted[name.strip()] = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
    return next((name for name in _ENCODERS if wanted.get(name, 0) > 0), None)


def encoder(encoding: str) -> Encoder:
    """A new compressor of this encoding (one that `choose_encoding` gave)."""
    return _ENCODERS[encoding]()


def _brotli(source: IO[bytes]) -> Iterator[bytes]:
    state = cramjam.brotli.Decompressor()
    # Small pieces: the library cannot bound what comes out of one.
    while piece := source.read(4096):
        state.decompress(piece)
        yield bytes(state.flush())
    yield bytes(state.finish())


def _reading(reader: Readable) -> Iterator[bytes]:
    while piece := reader.read(CHUNK):
        yield piece


def _deflate(source: IO[bytes]) -> Iterator[bytes]:
    state = zlib.decompressobj()
    while piece := source.read(CHUNK):
        while piece:
            yield state.decompress(piece, CHUNK)
            piece = state.unconsumed_tail
    yield state.flush()
    if not state.eof:
        raise zlib.error("the stream is cut off")


def _zstd(source: IO[bytes]) -> Iterator[bytes]:
    state = None
    # Small pieces, for the same reason; frames may follow each other.
    while piece := source.read(4096):
        while piece:
            state = state or zstandard.ZstdDecompressor().decompressobj()
            yield state.decompress(piece)
            piece = state.unused_data
            state = None if state.eof else state
    if state is not None:
        raise zstandard.ZstdError("the stream is cut off")


def decoded(source: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The plain data of `source`, in pieces of bounded size.

    Raises ClickHouseError 89 for an unknown encoding, 271 for data that is cut off or not of this encoding.
    """
    name = encoding.strip().lower()
    try:
        if name in ("", "identity"):
            yield from _reading(source)
        elif name == "gzip":
            yield from _reading(gzip.GzipFile(fileobj=source, mode="rb"))
        elif name == "lz4":
            yield from _reading(lz4.frame.LZ4FrameFile(source))
        elif name == "zstd":
            yield from _zstd(source)
        elif name == "br":
            yield from _brotli(source)
        elif name == "deflate":
            yield from _deflate(source)
        elif name == "xz":
            yield from _reading(lzma.LZMAFile(source))  # noqa: SIM115 - the source stays open
        else:
            text = f"Unknown Content-Encoding {encoding!r}: use gzip, lz4, zstd, br, deflate or xz"
            raise ClickHouseError(UNKNOWN_COMPRESSION_METHOD, text)
    except (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        text = f"The body is not complete {name} data: {error}"
        raise ClickHouseError(CANNOT_DECOMPRESS, text) from error
    except cramjam.DecompressionError as error:
        raise ClickHouseError(CANNOT_DECOMPRESS, f"The body is not complete br data: {error}") from error
