"""All that is known of one deployment's last 24 hours: open panes by source, and slots of closed ones.

Panes are cumulative and come at least once. An open pane replaces its older self. A closed one is added, once, to the
slot of each length that it falls into: `marks` remember how far each source partition's closed panes were added (they
come in closing order), and each slot remembers the last offset that was added to it, so that reading the topic again
from an earlier offset changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

import msgspec

from stream.contracts.identity import Identity
from stream.contracts.panes import PANE_SECONDS, Pane
from stream.panes.sampling import BASELINE_BYTES, rows_bytes
from stream.panes.totals import PackedTotals, Totals
from stream.windows.window import SLOT_KEPT_SECONDS, Window, slot_start

SlotKey = tuple[int, int]
"""(slot seconds, start)"""
SourceKey = tuple[int, int, int]
"""(start, source partition, segment)"""


class Mark(NamedTuple):
    """How far the closed panes of one source partition were added."""

    closed_at: int = -1
    start: int = -1
    segment: int = -1
    closes_at: float = float("-inf")


@dataclass(slots=True)
class Slot:
    """Closed panes of one stretch of event time."""

    totals: Totals
    as_of: int
    """The last offset of `feature.panes` in it."""


class PackedOpen(msgspec.Struct, frozen=True, array_like=True):
    """One open pane in the changelog."""

    key: tuple[int, int, int]
    as_of: int
    totals: PackedTotals
    sample: list[dict[str, object]] | None


class PackedWindows(msgspec.Struct, frozen=True, array_like=True):
    """A deployment in the changelog, without its slots (each is a key of its own)."""

    identity: tuple[str, str, int, str]
    topic_id: str
    profile_id: str | None
    marks: dict[int, Mark]
    newest_start: int
    open: list[PackedOpen]
    sample: list[dict[str, object]]


class PackedSlot(msgspec.Struct, frozen=True, array_like=True):
    """One slot in the changelog."""

    as_of: int
    totals: PackedTotals


@dataclass(slots=True)
class OpenSource:
    """The newest that one source partition said of a pane that it still counts into."""

    as_of: int
    totals: Totals
    sample: list[dict[str, object]] | None


@dataclass(slots=True)
class DeploymentWindows:
    """Mutable; pure but for that."""

    identity: Identity
    topic_id: str = ""
    """Incarnation of `inference.events` that the marks belong to."""
    profile_id: str | None = None
    marks: dict[int, Mark] = field(default_factory=dict)
    newest_start: int = 0
    open: dict[SourceKey, OpenSource] = field(default_factory=dict)
    slots: dict[SlotKey, Slot] = field(default_factory=dict)
    sample: list[dict[str, object]] = field(default_factory=list)
    """Rows of closed panes for the reference that is to be learned."""
    sample_bytes: int = 0
    changed: bool = True
    changed_slots: set[SlotKey] = field(default_factory=set)
    gone_slots: set[SlotKey] = field(default_factory=set)

    def apply(self, pane: Pane, offset: int, size: int) -> bool:
        """Take in one pane, read at `offset`. `size`: bins of its profile. False where it said nothing new."""
        if pane.topic_id != self.topic_id:
            self._start_anew(pane.topic_id)
        mark = self.marks.get(pane.partition, Mark())
        key: SourceKey = (pane.start, pane.partition, pane.segment)
        known = self.open.get(key)
        if pane.closed:
            if (pane.closed_at, pane.start, pane.segment) <= mark[:3]:
                return False
            self.marks[pane.partition] = Mark(pane.closed_at, pane.start, pane.segment, pane.closes_at)
            self.open.pop(key, None)
            self._add_closed(pane, offset, size)
        elif pane.closes_at <= mark.closes_at or (known is not None and known.as_of >= pane.as_of):
            return False  # an old version, read again
        else:
            self.open[key] = OpenSource(pane.as_of, totals_of(pane, size), pane.sample)
        self.profile_id = pane.profile_id or self.profile_id
        self.newest_start = max(self.newest_start, pane.start)
        self.changed = True
        return True

    def add_past(self, key: SlotKey, totals: Totals) -> None:
        """Add to a slot what comes in no pane any more, since its topic is gone."""
        slot = self.slots.setdefault(key, Slot(Totals.empty(totals.profile_id, 0), -1))
        _add(slot.totals, totals)
        self.changed_slots.add(key)

    def total(self, window: Window) -> Totals:
        """The sum of a window that ends with the newest pane."""
        total = Totals.empty(self.profile_id, 0)
        for _, totals in self.parts(window):
            _add(total, totals)
        return total

    def parts(self, window: Window) -> Iterator[tuple[int, Totals]]:
        """Start (seconds since the epoch) and totals of each slot and open pane of a window; none crosses an hour."""
        begin = self.window_start(window)
        for (seconds, start), slot in self.slots.items():
            if seconds == window.slot_seconds and start >= begin:
                yield start, slot.totals
        for (start, _, _), source in self.open.items():
            if slot_start(start, window.slot_seconds) >= begin:
                yield start, source.totals

    def window_end(self) -> int:
        """Seconds since the epoch."""
        return self.newest_start + PANE_SECONDS

    def window_start(self, window: Window) -> int:
        """Seconds since the epoch: a whole slot, so the window may be up to a slot shorter than its name."""
        return slot_start(self.window_end() - window.seconds + window.slot_seconds - 1, window.slot_seconds)

    def sampled_rows(self) -> list[dict[str, object]]:
        """Every row given so far for the reference that is to be learned, oldest pane first."""
        rows = list(self.sample)
        for _, source in sorted(self.open.items(), key=itemgetter(0)):
            rows += source.sample or []
        return rows

    def enough_bytes(self) -> bool:
        """The reference is made of what is there, however many rows were wanted."""
        waiting = sum(rows_bytes(source.sample) for source in self.open.values() if source.sample)
        return self.sample_bytes + waiting >= BASELINE_BYTES

    def forget_sample(self) -> None:
        self.sample.clear()
        self.sample_bytes = 0

    def evict(self) -> None:
        """Forget the slots that no window reaches any more."""
        end = self.window_end()
        old = [key for key in self.slots if key[1] + SLOT_KEPT_SECONDS[key[0]] < end]
        for key in old:
            del self.slots[key]
            self.changed_slots.discard(key)
            self.gone_slots.add(key)

    def pack(self) -> bytes:
        packed = [
            PackedOpen(key, source.as_of, source.totals.pack(), source.sample) for key, source in self.open.items()
        ]
        workspace, model, version, deployment_id = self.identity
        identity = (workspace, model, version, deployment_id)
        return msgspec.msgpack.encode(
            PackedWindows(identity, self.topic_id, self.profile_id, self.marks, self.newest_start, packed, self.sample)
        )

    @classmethod
    def unpack(cls, packed: bytes) -> "DeploymentWindows":
        state = msgspec.msgpack.decode(packed, type=PackedWindows)
        windows = cls(Identity(*state.identity), state.topic_id, state.profile_id, dict(state.marks))
        windows.newest_start = state.newest_start
        windows.sample = list(state.sample)
        windows.sample_bytes = rows_bytes(windows.sample)
        windows.open = {
            item.key: OpenSource(item.as_of, Totals.unpack(item.totals), item.sample) for item in state.open
        }
        return windows

    def pack_slot(self, key: SlotKey) -> bytes:
        slot = self.slots[key]
        return msgspec.msgpack.encode(PackedSlot(slot.as_of, slot.totals.pack()))

    def unpack_slot(self, key: SlotKey, packed: bytes) -> None:
        slot = msgspec.msgpack.decode(packed, type=PackedSlot)
        self.slots[key] = Slot(Totals.unpack(slot.totals), slot.as_of)

    def _add_closed(self, pane: Pane, offset: int, size: int) -> None:
        totals = totals_of(pane, size)
        for key in self.slot_keys(pane.start):
            slot = self.slots.get(key)
            if slot is None:
                self.slots[key] = Slot(totals_of(pane, size), offset)
            elif offset > slot.as_of:
                _add(slot.totals, totals)
                slot.as_of = offset
            self.changed_slots.add(key)
        if pane.sample and self.profile_id is None and self.sample_bytes < BASELINE_BYTES:
            self.sample += pane.sample
            self.sample_bytes += rows_bytes(pane.sample)

    def slot_keys(self, start: int) -> Iterator[SlotKey]:
        """The slots that a pane which starts then is added to."""
        end = max(self.window_end(), start + PANE_SECONDS)
        for seconds, kept in SLOT_KEPT_SECONDS.items():
            key = (seconds, slot_start(start, seconds))
            if key[1] + kept >= end:
                yield key

    def _start_anew(self, topic_id: str) -> None:
        """The topic was made again: its offsets start over, so the marks mean nothing; what was counted stays."""
        for (start, _, _), source in sorted(self.open.items(), key=itemgetter(0)):
            for key in self.slot_keys(start):
                self.add_past(key, source.totals)
        self.open.clear()
        self.marks.clear()
        self.topic_id = topic_id


def totals_of(pane: Pane, size: int) -> Totals:
    """The totals of a pane. Bins beyond `size` (a profile that is not known here) are left out."""
    totals = Totals.empty(pane.profile_id, size)
    totals.events, totals.requests = pane.events, pane.requests
    totals.failed, totals.refused = pane.failed, pane.refused
    totals.latency_sum_ms, totals.newest_ts = pane.latency_sum_ms, pane.newest_ts
    totals.latency[pane.latency_bins] = pane.latency_counts
    if pane.bins and pane.bins[-1] < size:
        totals.counts[pane.bins] = pane.counts
        totals.sums[pane.bins] = pane.sums
    return totals


def _add(total: Totals, other: Totals) -> None:
    """Add, letting an empty total take the size of what is added."""
    if total.profile_id == other.profile_id and len(total.counts) != len(other.counts):
        if len(total.counts) == 0:
            total.counts, total.sums = other.counts * 0, other.sums * 0
        else:
            other = Totals.empty(other.profile_id, len(total.counts))
    total.add(other)
