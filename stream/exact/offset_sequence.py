"""Which records of a partition to take, after seeks: each offset once, in order, with none left out. Pure.

The one rule of all who read exactly: the stream's agents (inputs.py) and the sink (storage/sink/buffer.py).
"""

from dataclasses import dataclass
from enum import Enum


class OffsetVerdict(Enum):
    """What to do with one record."""

    TAKE = "take"
    SKIP = "skip"
    """It was counted already, or it comes too early and will come again."""
    SEEK = "seek"
    """Records are missing before it: read again from `next_offset`."""


@dataclass(slots=True)
class OffsetSequence:
    """What was queued before a seek is still delivered after it, so order alone proves nothing.

    An offset that is missing is asked for again. Only when two readings in a row begin with the same later offset is
    the gap the topic's own (retention, compaction, a transaction), and is taken and counted. The reading in which the
    gap showed first is none of the two: it may be what was queued before a seek, and so may its second delivery.
    """

    next_offset: int
    gaps: int = 0
    """Ranges of offsets that the topic does not have."""
    missing: int = 0
    """Offsets in them."""
    ahead: int | None = None
    """The last offset that came too early; None while nothing is missing."""
    _began_with: int | None = None
    """The offset that the reading before began with."""

    def judge(self, offset: int) -> OffsetVerdict:
        if offset < self.next_offset:
            return OffsetVerdict.SKIP
        if offset == self.next_offset or self._is_own_gap(offset):
            self.gaps += int(offset > self.next_offset)
            self.missing += offset - self.next_offset
            self.next_offset, self.ahead, self._began_with = offset + 1, None, None
            return OffsetVerdict.TAKE
        goes_on = self.ahead is not None and offset > self.ahead
        if self.ahead is not None and not goes_on:
            self._began_with = offset
        self.ahead = offset
        return OffsetVerdict.SKIP if goes_on else OffsetVerdict.SEEK

    def _is_own_gap(self, offset: int) -> bool:
        begins_again = self.ahead is not None and offset <= self.ahead
        return begins_again and offset == self._began_with
