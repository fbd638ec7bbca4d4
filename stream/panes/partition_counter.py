"""Counts the events of one source partition into panes: pure, and the same whatever the batches are.

Exactness rests on three things. The state says which offset comes next, so a record is counted once however often it
is read. What a pane holds, and when it closes, follows from the order of the records alone (never from a clock or from
how they were batched), so a worker that takes a partition over makes the same panes again. And a closed pane leaves the
state only after it was acknowledged.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.contracts.panes import Pane
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.filling import Sampled, add_events
from stream.panes.open_pane import OpenPane, PackedPane
from stream.panes.span import PaneKey, Span
from stream.panes.totals import Totals


class PackedState(msgspec.Struct, frozen=True, array_like=True):
    """The changelog value: the counts and the offset that they reach, in one piece."""

    topic_id: str
    next_offset: int
    watermark: float
    unused: int
    """0. It counted gaps, which the metric of the inputs tells."""
    sampled: dict[str, int]
    open: list[PackedPane]
    closed: list[PackedPane]
    sampled_bytes: dict[str, int] = {}


@dataclass(slots=True)
class PartitionCounter:
    """The panes of one partition of `inference.events`."""

    topic_id: str
    partition: int
    next_offset: int = 0
    watermark: float = float("-inf")
    """The latest event time seen (seconds since the epoch)."""
    sampled: dict[str, int] = field(default_factory=dict)
    """Rows given to the reference of each deployment that has none yet."""
    sampled_bytes: dict[str, int] = field(default_factory=dict)
    """Their bytes."""
    open: dict[PaneKey, OpenPane] = field(default_factory=dict)
    closed: list[OpenPane] = field(default_factory=list)
    """Not acknowledged yet, in closing order."""

    def add(
        self,
        events: Sequence[ReadEvent],
        offsets: Sequence[int],
        last_offset: int,
        targets: Mapping[str, Target],
    ) -> None:
        """Count events in the order of their records, up to and with the record at `last_offset`.

        `offsets[i]` is the record of `events[i]`; every event's deployment is in `targets`.
        """
        if events:
            times = np.fromiter((event.ts.timestamp() for event in events), np.float64, len(events))
            self._count(events, np.asarray(offsets, np.int64), times, targets)
        self.next_offset = last_offset + 1

    def changed(self) -> list[Pane]:
        """What has to be sent, closed panes in closing order first."""
        changed = [pane for pane in (*self.closed, *self.open.values()) if pane.changed]
        return [pane.to_pane(self.topic_id, self.partition) for pane in changed]

    def count_as_sent(self) -> None:
        """All of it, from now on."""
        for pane in (*self.closed, *self.open.values()):
            pane.changed = False

    def acknowledge(self, panes: Iterable[Pane]) -> bool:
        """The broker has these: closed ones can be forgotten. True where the state became smaller by it."""
        done = {(pane.deployment_id, pane.start, pane.segment) for pane in panes if pane.closed}
        kept = [p for p in self.closed if (p.identity.deployment_id, p.start, p.segment) not in done]
        shrunk = len(kept) < len(self.closed)
        self.closed = kept
        return shrunk

    def drop(self, pane: OpenPane) -> None:
        """Keep nothing of a pane that cannot be written."""
        self.closed = [other for other in self.closed if other is not pane]
        self.open = {key: other for key, other in self.open.items() if other is not pane}

    def keep_only(self, deployment_ids: Container[str]) -> bool:
        """Let go of what is kept of all other deployments and was sent already. True where the state changed."""
        panes = [key for key, pane in self.open.items() if key[0] not in deployment_ids and not pane.changed]
        sampled = [deployment_id for deployment_id in self.sampled if deployment_id not in deployment_ids]
        for key in panes:
            del self.open[key]
        for deployment_id in sampled:
            del self.sampled[deployment_id]
            self.sampled_bytes.pop(deployment_id, None)
        return bool(panes or sampled)

    def pack(self) -> bytes:
        return msgspec.msgpack.encode(
            PackedState(
                self.topic_id,
                self.next_offset,
                self.watermark,
                0,
                self.sampled,
                [pane.pack() for pane in self.open.values()],
                [pane.pack() for pane in self.closed],
                self.sampled_bytes,
            )
        )

    @classmethod
    def unpack(cls, packed: bytes, partition: int) -> "PartitionCounter":
        state = msgspec.msgpack.decode(packed, type=PackedState)
        counter = cls(state.topic_id, partition, state.next_offset, state.watermark, dict(state.sampled))
        counter.sampled_bytes = dict(state.sampled_bytes)
        for item in state.open:
            pane = OpenPane.unpack(item)
            counter.open[(pane.identity.deployment_id, pane.start, pane.totals.profile_id)] = pane
        counter.closed = [OpenPane.unpack(item) for item in state.closed]
        return counter

    def _count(
        self,
        events: Sequence[ReadEvent],
        offsets: NDArray[np.int64],
        times: NDArray[np.float64],
        targets: Mapping[str, Target],
    ) -> None:
        """All records in one span where none of them closes a pane that a later one needs, else one by one."""
        span = Span.of(events, offsets, times, self.watermark, targets)
        if span.holds_together(self.open):
            self._add_span(span, targets)
            return
        starts = np.flatnonzero(np.diff(offsets, prepend=-1))
        for first, end in zip(starts, [*starts[1:], len(events)], strict=True):
            part = slice(int(first), int(end))
            self._add_span(Span.of(events[part], offsets[part], times[part], self.watermark, targets), targets)

    def _add_span(self, span: "Span", targets: Mapping[str, Target]) -> None:
        panes = [self._pane_for(key, span, first, targets) for key, first in span.groups.items()]
        ordered = sorted(range(len(span.events)), key=lambda i: span.events[i].deployment_id) if span.mixed else None
        for deployment_id, members in span.by_deployment(ordered):
            add_events(targets[deployment_id], panes, span, members, Sampled(self.sampled, self.sampled_bytes))
        for pane, last in zip(panes, span.last_offsets(len(panes)), strict=True):
            pane.as_of = max(pane.as_of, last)
            pane.changed = True
        self._close(span)

    def _pane_for(self, key: PaneKey, span: "Span", first: int, targets: Mapping[str, Target]) -> OpenPane:
        pane = self.open.get(key)
        if pane is None:
            target = targets[key[0]]
            totals = Totals.empty(target.profile_id, target.size)
            offset = int(span.offsets[first])
            pane = OpenPane(target.identity, key[1], offset, span.closes_at(key, first), totals)
            self.open[key] = pane
        return pane

    def _close(self, span: "Span") -> None:
        """Close what the span's records passed; which of them passed it first is part of the pane."""
        self.watermark = float(span.after[-1])
        passed = [key for key, pane in self.open.items() if pane.closes_at <= self.watermark]
        closing = []
        for key in passed:
            pane = self.open.pop(key)
            pane.closed_at = int(span.offsets[int(np.searchsorted(span.after, pane.closes_at, side="left"))])
            pane.changed = True
            closing.append(pane)
        self.closed += sorted(closing, key=lambda pane: pane.closing_order)
