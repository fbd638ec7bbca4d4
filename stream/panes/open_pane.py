"""One pane while its source partition still counts into it, and its two forms: on the topic and in the changelog."""

from dataclasses import dataclass, field

import msgspec
import numpy as np

from stream.contracts.identity import Identity
from stream.contracts.panes import Pane
from stream.panes.sampling import rows_bytes
from stream.panes.totals import PackedTotals, Totals


class PackedPane(msgspec.Struct, frozen=True, array_like=True):
    """A pane as it is kept in the changelog."""

    identity: tuple[str, str, int, str]
    start: int
    segment: int
    closes_at: float
    as_of: int
    closed_at: int
    totals: PackedTotals
    sample: list[dict[str, object]] | None


@dataclass(slots=True)
class OpenPane:
    """Counts of one (deployment, start) from one source partition since `segment`."""

    identity: Identity
    start: int
    segment: int
    closes_at: float
    """The watermark (seconds) that closes it."""
    totals: Totals
    as_of: int = -1
    closed_at: int = -1
    sample: list[dict[str, object]] | None = None
    sample_bytes: int = 0
    changed: bool = field(default=True)
    """It holds what has not been sent yet."""

    @property
    def closing_order(self) -> tuple[int, int, int]:
        return (self.closed_at, self.start, self.segment)

    def to_pane(self, topic_id: str, partition: int) -> Pane:
        totals = self.totals
        used = np.flatnonzero(totals.counts)
        slow = np.flatnonzero(totals.latency)
        return Pane(
            **self.identity._asdict(),
            profile_id=totals.profile_id,
            start=self.start,
            topic_id=topic_id,
            partition=partition,
            segment=self.segment,
            as_of=self.as_of,
            closed=self.closed_at >= 0,
            closed_at=self.closed_at,
            closes_at=self.closes_at,
            newest_ts=totals.newest_ts,
            events=totals.events,
            requests=totals.requests,
            failed=totals.failed,
            refused=totals.refused,
            latency_bins=slow.tolist(),
            latency_counts=totals.latency[slow].tolist(),
            latency_sum_ms=totals.latency_sum_ms,
            bins=used.tolist(),
            counts=totals.counts[used].tolist(),
            sums=totals.sums[used].tolist(),
            sample=self.sample,
        )

    def pack(self) -> PackedPane:
        return PackedPane(
            (self.identity.workspace, self.identity.model, self.identity.version, self.identity.deployment_id),
            self.start,
            self.segment,
            self.closes_at,
            self.as_of,
            self.closed_at,
            self.totals.pack(),
            self.sample,
        )

    @classmethod
    def unpack(cls, packed: PackedPane) -> "OpenPane":
        """What was read back has to be sent again: nobody knows whether it arrived."""
        return cls(
            Identity(*packed.identity),
            packed.start,
            packed.segment,
            packed.closes_at,
            Totals.unpack(packed.totals),
            packed.as_of,
            packed.closed_at,
            packed.sample,
            rows_bytes(packed.sample),
        )
