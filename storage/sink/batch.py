"""Records of one partition to the bytes of one insert."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from stream.contracts import sealed
from stream.contracts.dead_letters import Reason, reason_of
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.topics import Topic
from stream.intake.events import Record, Reject, read_records

_CHUNK_BYTES = 4_000_000
"""Events are decoded to be judged; so many bytes at a time, so that few are decoded at once."""
_FROM_OUTSIDE = frozenset({Topic.EVENTS, Topic.FEEDBACK})
"""Whoever writes these knows nothing of checksums."""
_any_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Batch:
    """Records of one partition, in order, and where each line of the insert came from."""

    lines: list[bytes]
    """One or more whole JSON lines each."""
    rejects: list[Reject]
    """What is not sent to ClickHouse."""
    letters: bool
    """Whether the sink is the one that writes `rejects` to `dead.letters`."""
    last_offset: int

    @property
    def rows(self) -> int:
        return sum(piece.count(b"\n") + 1 for piece in self.lines)

    def body(self) -> bytes:
        return b"\n".join(self.lines)


def read_batch(topic: Topic, records: Sequence[Record]) -> Batch:
    """Sort out what can be sent.

    Events are judged by stream.intake.events, as the stream worker judges them, so that what is counted is what is
    stored; the worker writes their dead letters. Of every other topic a line must be a JSON object, and the sink
    writes the letters.
    """
    if topic is not Topic.EVENTS:
        return _read_objects(topic, records)
    lines: list[bytes] = []
    rejects: list[Reject] = []
    for chunk in _chunks(records):
        intake = read_records(chunk)
        lines += intake.lines
        rejects += intake.rejects
    return Batch(lines, rejects, letters=False, last_offset=records[-1].offset)


class Line(NamedTuple):
    """One line of one record, by its number in it (from 0)."""

    offset: int
    number: int
    content: bytes


def split_lines(records: Sequence[Record]) -> Iterator[Line]:
    """Every line that is not empty."""
    for record in records:
        for number, line in enumerate(record.value.split(b"\n")):
            if line.strip():
                yield Line(record.offset, number, line)


def accepted_lines(records: Sequence[Record], rejects: Sequence[Reject]) -> list[Line]:
    """What is left of the records without the rejects, line by line."""
    rejected = {(reject.offset, reject.line) for reject in rejects}
    return [
        line
        for line in split_lines(records)
        if (line.offset, line.number) not in rejected and (line.offset, -1) not in rejected
    ]


def _read_objects(topic: Topic, records: Sequence[Record]) -> Batch:
    lines: list[bytes] = []
    rejects: list[Reject] = []
    for offset, number, line in split_lines(records):
        try:
            if topic not in _FROM_OUTSIDE:
                sealed.check(line)
            line.decode()
            _any_object.decode(line)
        except msgspec.ValidationError as error:
            rejects.append(Reject(offset, number, Reason.WRONG_TYPE, str(error), line))
        except UNREADABLE as error:
            rejects.append(Reject(offset, number, reason_of(error, Reason.NOT_JSON), str(error), line))
        else:
            lines.append(line)
    letters = topic is not Topic.DEAD_LETTERS
    return Batch(lines, rejects, letters, records[-1].offset)


def _chunks(records: Sequence[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += len(record.value)
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
