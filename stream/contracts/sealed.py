"""Messages of our own topics: a JSON object a line, whose last field is a checksum of all before it. Pure.

A flipped bit may leave good JSON with another number in it, and nobody would notice. That it is sealed a message says
twice, by its version at the beginning and by its last field, so that no one change makes it look like one of before
there were seals; those are read as they are. It stays an ordinary JSON object: ClickHouse passes over the field.
"""

from typing import TypeVar
from zlib import crc32

import msgspec

SEALED_VERSION = 2
"""Of the messages that carry a checksum."""
_BEGINNING = b'{"v":%d,' % SEALED_VERSION
_FIELD = b',"crc32":"'
_END_BYTES = len(_FIELD) + 8 + 2


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The first field of every message."""

    v: int = SEALED_VERSION


class WrongChecksumError(ValueError):
    """The message is not the one that was written."""


MessageT = TypeVar("MessageT", bound=Message)
_encoder = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """One sealed line, whatever version the message was read in."""
    if message.v != SEALED_VERSION:
        message = msgspec.structs.replace(message, v=SEALED_VERSION)
    return seal(_encoder.encode(message))


def seal(line: bytes) -> bytes:
    """The same JSON object with a checksum as its last field. It has other fields."""
    fields = line[:-1]
    return fields + _end(fields)


def decode(line: bytes, decoder: msgspec.json.Decoder[MessageT]) -> MessageT:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE`, of which WrongChecksumError is one."""
    check(line)
    return decoder.decode(line)


def decode_lines(lines: bytes, decoder: msgspec.json.Decoder[MessageT]) -> list[MessageT]:
    """The same, of one message a line."""
    for line in lines.split(b"\n"):
        check(line)
    return decoder.decode_lines(lines)


def check(line: bytes) -> None:
    """Raises WrongChecksumError where a line that was sealed is another one now."""
    if line[-_END_BYTES:] == _end(memoryview(line)[:-_END_BYTES]):
        return
    if line.startswith(_BEGINNING) or line[-_END_BYTES:].startswith(_FIELD):
        raise WrongChecksumError("its checksum is that of another message")


def _end(fields: bytes | memoryview) -> bytes:
    return b'%b%08x"}' % (_FIELD, crc32(fields))
