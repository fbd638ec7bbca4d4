"""Compressed request bodies, unpacked within the bound that holds for plain ones: what is packed tighter is refused."""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import zstandard

from gateway.refusals import Refusal

CODINGS = "gzip, zstd"
"""What is taken, as Accept-Encoding has it."""
_MOST_MEMBERS = 1000
"""Of one body (gzip's members, zstd's frames): each costs a new state, and a million that are empty fit into one."""
_WINDOW_BYTES = 1 << 23
"""What RFC 9659 allows for this content coding: a frame may ask for gigabytes."""


class _Coding(NamedTuple):
    name: str
    begin: Callable[[], Any]
    """A new state, for one member or frame: `decompress`, `eof` and `unused_data`."""
    piece_bytes: int
    """Fed at a time. Neither library bounds what comes out of one piece: 1000 times as much of gzip, 32,000 of zstd."""


def _begin_zstd() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()


_GZIP = _Coding("gzip", lambda: zlib.decompressobj(31), 1 << 14)
_KNOWN = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"zstd": _Coding("zstd", _begin_zstd, 1 << 9)}


def unpacked(body: bytes, coding: bytes, max_bytes: int) -> bytes:
    """The plain body.

    Args:
        body: as received.
        coding: the header Content-Encoding.
        max_bytes: the most that it may become.

    Raises:
        Refusal: it is packed otherwise, is cut off, or becomes larger than that.
    """
    known = _KNOWN.get(coding.strip().lower())
    if known is None:
        shown = coding[:40].decode("ascii", "replace")
        message = f"The body has the Content-Encoding {shown!r}; send it plain, or with one of {CODINGS}"
        raise Refusal(415, "compressed_body", message)
    try:
        return _unpacked(body, known, max_bytes)
    except (zlib.error, zstandard.ZstdError) as error:
        raise _broken(known, str(error)) from None


def _unpacked(body: bytes, coding: _Coding, most: int) -> bytes:
    """Members may follow each other (RFC 1952, RFC 8878)."""
    view, at, size, members = memoryview(body), 0, 0, 0
    found: list[bytes] = []
    state = None
    while at < len(view):
        if state is None:
            members += 1
            if members > _MOST_MEMBERS:
                raise _broken(coding, f"it has more than {_MOST_MEMBERS} members")
            state = coding.begin()
        piece = view[at : at + coding.piece_bytes]
        found.append(state.decompress(piece))
        size += len(found[-1])
        if size > most:
            message = f"Unpacked the body is larger than {most} bytes (TIDEGATE_MAX_REQUEST_BYTES)"
            raise Refusal(413, "body_too_large", f"{message}; send fewer instances")
        at += len(piece) - len(state.unused_data)
        state = None if state.eof else state
    if state is not None or not members:
        raise _broken(coding, "it is cut off")
    return b"".join(found)


def _broken(coding: _Coding, problem: str) -> Refusal:
    message = f"The body is no {coding.name}, as its Content-Encoding says: {problem}"
    return Refusal(400, "invalid_compression", message)
