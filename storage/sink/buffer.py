"""What was read of one partition and has not landed: in order, each offset once, without holes of its own making."""

from collections.abc import Sequence

from stream.exact.offset_sequence import OffsetSequence, OffsetVerdict
from stream.intake.events import Record


class Buffer:
    """Records that wait for their insert. `expected`: the first offset to read."""

    def __init__(self, expected: int) -> None:
        self.sequence = OffsetSequence(expected)
        self.records: list[Record] = []
        self.bytes = 0
        self.rows = 0
        self.since: float | None = None
        """When the oldest record in it was read (the clock of `add`); None while it is empty."""

    @property
    def expected(self) -> int:
        """The next offset to read."""
        return self.sequence.next_offset

    def add(self, record: Record, now: float) -> OffsetVerdict:
        """Keep it where it is the next of its partition."""
        verdict = self.sequence.judge(record.offset)
        if verdict is OffsetVerdict.TAKE:
            self._append(record, now)
        return verdict

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
