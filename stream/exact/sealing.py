"""Values of a changelog, each with a checksum of its key and itself: a changed bit is no other state. Pure.

A record says of which incarnation of its input it is, how far it reaches, and holds a piece of a value (pieces.py).
"""

import struct
from hashlib import blake2b

from stream.exact.pieces import check

HEADER = struct.Struct(">16sq")
"""Incarnation of the input topic, and the last offset that the value contains."""
_SEALED = b"\xc1"
"""The byte that MessagePack never uses; what was written before there were checksums begins with other ones."""
_SUM_BYTES = 8


def seal(key: bytes, header: bytes, piece: bytes) -> bytes:
    """The record to be written under a key."""
    return header + _SEALED + _sum(key, header, piece) + piece


def open_record(key: bytes, record: bytes) -> bytes:
    """The piece in it.

    Raises:
        ValueError: the record is not what was written under this key.
    """
    header, body = record[: HEADER.size], record[HEADER.size :]
    if not body:
        raise ValueError(f"{len(record)} bytes are no value")
    sealed, piece = body.startswith(_SEALED), body
    if sealed:
        found, piece = body[1 : 1 + _SUM_BYTES], body[1 + _SUM_BYTES :]
        if found != _sum(key, header, piece):
            raise ValueError("its checksum is that of another value")
    check(key.decode(), piece, sealed=sealed)
    return piece


def _sum(key: bytes, header: bytes, piece: bytes) -> bytes:
    digest = blake2b(len(key).to_bytes(4, "big") + key, digest_size=_SUM_BYTES)
    digest.update(header)
    digest.update(piece)
    return digest.digest()
