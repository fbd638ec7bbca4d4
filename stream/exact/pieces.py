"""A value of any size as records of a bounded one: compressed, and in pieces where it has to be. Pure.

All pieces of a value say which writing they belong to, so a value counts when all of them are there. It is written
beside the one before, never over it: a kill in between leaves the one before. `place` says which of them it is.
"""

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import zstandard

PIECE_BYTES = 900_000
"""Below what brokers take by default (1 MB)."""
LARGEST = 1_000_000_000
"""Bytes that a value may unpack to; garbage could say anything."""
WHOLE, PLACES = "", ("a", "b")
_HEAD = struct.Struct(">BIHH")
"""Mark, number of the writing, index and number of its pieces."""
_MARK = 2
_FORMER_MARK = 1
"""Of pieces that were written before there were checksums (sealing.py).

No value of before there were pieces begins with either: those were MessagePack of arrays and maps."""
_SEPARATOR = "\x00"
_PIECE = re.compile(r"(.*)\x00([ab])([0-9]+)", re.DOTALL)


@dataclass(slots=True)
class Written:
    """What is known of the writings of one value."""

    place: str = WHOLE
    """Where the newest is."""
    number: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """How many keys each place has."""


def split(payload: bytes, before: Written | None) -> tuple[Written, list[tuple[str, bytes]], list[str]]:
    """How a value is to be written after `before`: what is known then; suffixes of keys with their records; suffixes of
    keys that are to be removed after that.
    """
    before = before or Written()
    packed = zstandard.ZstdCompressor(level=1).compress(payload)
    chunks = [packed[at : at + PIECE_BYTES] for at in range(0, len(packed), PIECE_BYTES)]
    place = WHOLE if len(chunks) == 1 else PLACES[before.place == PLACES[0]]
    number = (before.number + 1) % 2**32
    records = [
        (_suffix(place, index), _HEAD.pack(_MARK, number, index, len(chunks)) + chunk)
        for index, chunk in enumerate(chunks)
    ]
    kept = {place: len(chunks)}
    if place != WHOLE and before.place in before.counts:
        kept[before.place] = before.counts[before.place]
    removed = [_suffix(old, index) for old, count in before.counts.items() for index in range(kept.get(old, 0), count)]
    return Written(place, number, kept), records, removed


def suffixes(written: Written) -> list[str]:
    """Of every key that a value has."""
    return [_suffix(place, index) for place, count in written.counts.items() for index in range(count)]


def name_of(key: str) -> str:
    """The value's name, of the key of any of its pieces."""
    match = _PIECE.fullmatch(key)
    return match[1] if match else key


def check(key: str, record: bytes, *, sealed: bool) -> None:
    """Raises ValueError where a record says that it stands elsewhere, or is of no form that was ever written.

    `sealed`: its checksum holds. One that has none must be of a time when there were none.
    """
    match = _PIECE.fullmatch(key)
    if not record.startswith(bytes([_MARK if sealed else _FORMER_MARK])):
        if sealed or match or not isinstance(_decoded(record), list | dict):
            raise ValueError(f"a record that begins with {record[:1].hex()} is none of ours")
        return
    if len(record) <= _HEAD.size:
        raise ValueError("it ends in its head")
    _, _, index, count = _HEAD.unpack_from(record)
    if index >= count or (index != int(match[3]) if match else count != 1):
        raise ValueError(f"piece {index} of {count} stands where another belongs")


def _decoded(record: bytes) -> object:
    """Of the form that values had before there were pieces; None where it has not."""
    try:
        return msgspec.msgpack.decode(record) or None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def join(records: Mapping[str, tuple[int, bytes]]) -> tuple[dict[str, tuple[bytes, Written]], dict[str, str]]:
    """Values by name, with what is known of their writings; and names that have a value which cannot be unpacked.

    Args:
        records: by name and suffix, with the offset that each says it contains. A value of which no writing is whole is
            empty; the second answer says why, where that was no kill.
    """
    places: dict[str, dict[str, dict[int, tuple[int, bytes]]]] = {}
    for key, record in records.items():
        match = _PIECE.fullmatch(key)
        name, place, index = (match[1], match[2], int(match[3])) if match else (key, WHOLE, 0)
        places.setdefault(name, {}).setdefault(place, {})[index] = record
    found, unreadable = {}, {}
    for name, held in places.items():
        counts = {place: max(pieces) + 1 for place, pieces in held.items()}
        whole = []
        for place, pieces in held.items():
            try:
                whole += [(*value, place) for value in _newest(pieces.values())]
            except (ValueError, zstandard.ZstdError) as error:
                unreadable[name] = str(error)
        _, number, payload, place = max(whole, default=(0, 0, b"", WHOLE))
        found[name] = (payload, Written(place, number, counts))
    return found, unreadable


def _newest(pieces: Iterable[tuple[int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Offset, number and payload of the newest writing in one place that is complete; none or one."""
    writings: dict[tuple[int, int, int], dict[int, bytes]] = {}
    for as_of, record in pieces:
        if record[0] not in (_MARK, _FORMER_MARK):
            return [(as_of, 0, record)]
        _, number, index, count = _HEAD.unpack_from(record)
        writings.setdefault((as_of, number, count), {})[index] = record[_HEAD.size :]
    complete = [(key, chunks) for key, chunks in writings.items() if len(chunks) == key[2]]
    if not complete:
        return []
    (as_of, number, _), chunks = max(complete, key=lambda item: item[0])
    return [(as_of, number, _unpacked(b"".join(chunks[index] for index in sorted(chunks))))]


def _unpacked(packed: bytes) -> bytes:
    size = zstandard.frame_content_size(packed)
    if not 0 <= size <= LARGEST:
        raise ValueError(f"a value of {size} bytes is none of ours")
    return zstandard.ZstdDecompressor().decompress(packed)


def _suffix(place: str, index: int) -> str:
    return "" if place == WHOLE else f"{_SEPARATOR}{place}{index}"
