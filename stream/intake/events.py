"""Raw records of `inference.events` to events: what is accepted, and the reason for what is not.

The stream worker and the sink both read through here, so that the histograms and the stored events always agree.
Whole batches are decoded in one call; only a batch with garbage in it is taken apart, record by record, line by line.
What becomes of a line follows from its record alone: never from a clock, nor from the records that it is read with.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from stream.contracts.dead_letters import Reason
from stream.contracts.decode_errors import UNREADABLE

FUTURE_TOLERANCE_MS = 60_000
"""A clock may be this far ahead of the record's own timestamp."""
ANCIENT_MS = 7 * 86_400_000
"""Older than this against the record's timestamp: no window reaches so far back."""
LATEST_MS = 7_258_118_400_000
"""2200-01-01: a record's timestamp beyond it counts as this. Times above it do not fit everywhere they are kept."""
LONGEST_MS = 1e9
"""Eleven days: no request takes longer. A larger latency would grow into sums that cannot be written."""
MAX_LINE_BYTES = 2_000_000
"""One event; the gateway refuses requests that would make a larger one."""

UInt32 = Annotated[int, Meta(ge=0, le=4_294_967_295)]
UInt16 = Annotated[int, Meta(ge=0, le=65_535)]
Milliseconds = Annotated[float, Meta(ge=0, le=LONGEST_MS)]


class Record(NamedTuple):
    """One Kafka record of one partition."""

    offset: int
    timestamp_ms: int
    value: bytes


class ReadEvent(msgspec.Struct):
    """An event as a reader needs it. The gateway writes all fields of its contract; others may leave out some."""

    event_id: str
    ts: Annotated[datetime, Meta(tz=True)]
    deployment_id: str
    workspace: str
    model: str
    version: UInt32
    request_id: str = ""
    row: UInt32 = 0
    role: str = "primary"
    status: UInt16 = 200
    error: str | None = None
    latency_ms: Milliseconds = 0.0
    model_ms: Milliseconds | None = None
    batch_size: UInt32 = 0
    features: dict[str, Any] | None = None
    prediction: Any = None
    key_id: str | None = None


class Reject(NamedTuple):
    """One line (-1: a whole record) that is no event."""

    offset: int
    line: int
    reason: Reason
    detail: str
    raw: bytes


class Intake(NamedTuple):
    """What a batch of records of one partition holds."""

    events: list[ReadEvent]
    offsets: list[int]
    """The offset of the record that each event stood in."""
    rejects: list[Reject]
    lines: list[bytes]
    """The accepted bytes, in order; each item one or more whole lines."""


_decoder = msgspec.json.Decoder(ReadEvent)
_NOT_FINITE = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity|inf)\b", re.IGNORECASE)


def read_records(records: Sequence[Record]) -> Intake:
    """Decode records of one partition, in order. Never raises, whatever the bytes are."""
    whole = _read_clean(records)
    if whole is not None:
        return whole
    intake = Intake([], [], [], [])
    for record in records:
        _read_record(record, intake)
    return intake


def _read_clean(records: Sequence[Record]) -> Intake | None:
    """The fast way: all of it in one call; None where anything in it is not as it should be."""
    values = [record.value for record in records if record.value]
    if any(len(value) > MAX_LINE_BYTES for value in values):
        return None
    joined = b"\n".join(values)
    n_lines = joined.count(b"\n") + 1
    if not (joined.startswith(b"{") and joined.endswith(b"}") and joined.count(b"}\n{") == n_lines - 1):
        return None  # a line may hold two values or none, or a value two lines: only one by one that comes out right
    try:
        events = _decoder.decode_lines(joined)
    except UNREADABLE:
        return None
    if len(events) != n_lines or not _times_hold(records, events):
        return None
    offsets: list[int] = []
    for record in records:
        if record.value:
            offsets += [record.offset] * (record.value.count(b"\n") + 1)
    return Intake(events, offsets, [], values)


def stamp_of(record: Record) -> int:
    """The record's own time: milliseconds since the epoch."""
    return min(record.timestamp_ms, LATEST_MS)


def _times_hold(records: Sequence[Record], events: list[ReadEvent]) -> bool:
    stamps = [stamp_of(record) for record in records if record.value]
    latest = max(event.ts for event in events).timestamp() * 1000
    earliest = min(event.ts for event in events).timestamp() * 1000
    return latest <= min(stamps) + FUTURE_TOLERANCE_MS and earliest >= max(stamps) - ANCIENT_MS


def _read_record(record: Record, intake: Intake) -> None:
    """The slow way: each line on its own. A record with nothing readable in it is one reject, not one a line."""
    accepted = 0
    rejects: list[Reject] = []
    for number, line in _lines(record.value):
        result = _read_line(line, stamp_of(record))
        if isinstance(result, ReadEvent):
            accepted += 1
            intake.events.append(result)
            intake.offsets.append(record.offset)
            intake.lines.append(line)
        else:
            rejects.append(Reject(record.offset, number, *result, line))
    if accepted or len(rejects) == 1:
        intake.rejects.extend(rejects)
    elif rejects:
        first = rejects[0]
        detail = f"none of its {len(rejects)} lines is an event; the first: {first.detail}"
        intake.rejects.append(Reject(record.offset, -1, first.reason, detail, record.value))


def _lines(value: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(value.split(b"\n")):
        if line.strip():
            yield number, line


def _read_line(line: bytes, stamp_ms: int) -> ReadEvent | tuple[Reason, str]:
    if len(line) > MAX_LINE_BYTES:
        return Reason.TOO_LARGE, f"{len(line)} bytes; the most is {MAX_LINE_BYTES}"
    try:
        event = _decoder.decode(line)
    except msgspec.ValidationError as error:
        return (Reason.NOT_FINITE if _is_not_finite(b"", error) else Reason.WRONG_TYPE), str(error)
    except UNREADABLE as error:
        return (Reason.NOT_FINITE if _is_not_finite(line, error) else Reason.NOT_JSON), str(error)
    ts_ms = event.ts.timestamp() * 1000
    if ts_ms > stamp_ms + FUTURE_TOLERANCE_MS:
        return Reason.FUTURE_TS, f"ts is {(ts_ms - stamp_ms) / 1000:.0f} s after the record's own time"
    if ts_ms < stamp_ms - ANCIENT_MS:
        return Reason.ANCIENT_TS, f"ts is {(stamp_ms - ts_ms) / 86_400_000:.1f} days before the record's own time"
    return event


def _is_not_finite(line: bytes, error: Exception) -> bool:
    return "out of range" in str(error) or _NOT_FINITE.search(line) is not None
