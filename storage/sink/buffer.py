"""What was read of one partition and has not landed: in order, each offset once, without holes of its own making."""

from collections.abc import Sequence
from enum import Enum, auto

from stream.intake.events import Record


class Arrival(Enum):
    TAKEN = auto()
    KNOWN = auto()
    """At or below what was read already: dropped."""
    GAP = auto()
    """Offsets are missing before it; it was not taken. Seek to `expected`, and take it the second time."""


class Buffer:
    """Records that wait for their insert.

    `expected` is the next offset. A gap may be of the topic (retention, compaction) or of the consumer (records queued
    before a seek): it is believed only when it shows twice at the same place.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.records: list[Record] = []
        self.bytes = 0
        self.rows = 0
        self.gap_offsets = 0
        """Offsets that were missing."""
        self.since: float | None = None
        """When the oldest record in it was read (the clock of `add`); None while it is empty."""
        self._doubted: int | None = None

    def add(self, record: Record, now: float) -> Arrival:
        if record.offset < self.expected:
            return Arrival.KNOWN
        if record.offset > self.expected:
            if self._doubted != self.expected:
                self._doubted = self.expected
                return Arrival.GAP
            self.gap_offsets += record.offset - self.expected
        self.expected = record.offset + 1
        self._append(record, now)
        return Arrival.TAKEN

    def take(self, most: int | None = None) -> list[Record]:
        """All of it, or the first records of it, out of the buffer."""
        taken = self.records[:most]
        kept = self.records[len(taken) :]
        since, self.since = self.since, None
        self.records, self.bytes, self.rows = [], 0, 0
        for record in kept:
            self._append(record, since or 0.0)
        return taken

    def put_back(self, records: Sequence[Record], now: float) -> None:
        """Before all others: records that were taken and did not land."""
        kept = self.take()
        for record in (*records, *kept):
            self._append(record, now)

    def _append(self, record: Record, now: float) -> None:
        self.records.append(record)
        self.bytes += len(record.value)
        self.rows += record.value.count(b"\n") + 1
        if self.since is None:
            self.since = now
