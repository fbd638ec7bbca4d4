"""What a pane adds up: traffic, errors, latency, and the flat histogram of a profile. Addition is all it does."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.contracts.panes import LATENCY_BOUNDS_MS

LATENCY_BINS = len(LATENCY_BOUNDS_MS) + 1
_BOUNDS = np.array(LATENCY_BOUNDS_MS)


def latency_bin(latency_ms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index into LATENCY_BOUNDS_MS of each latency; the bin after the last is the overflow."""
    return np.searchsorted(_BOUNDS, latency_ms, side="left")


def latency_quantile(counts: NDArray[np.int64], q: float) -> float:
    """Upper bound, in ms, of the bin that holds quantile `q` of the requests; nan without any."""
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    index = int(np.searchsorted(np.cumsum(counts), q * total, side="left"))
    return float(LATENCY_BOUNDS_MS[min(index, len(LATENCY_BOUNDS_MS) - 1)])


class PackedTotals(msgspec.Struct, frozen=True, array_like=True):
    """Totals as they are kept in a changelog: sparse, bit-exact."""

    events: int
    requests: int
    failed: int
    latency_sum_ms: float
    newest_ts: str
    profile_id: str | None
    size: int
    latency: bytes
    bins: bytes
    counts: bytes
    sums: bytes
    refused: int = 0
    """The last, and with a default: what was packed before it was kept can still be read."""


@dataclass(slots=True)
class Totals:
    """Mutable sums of one pane, slot or window. `counts` and `sums`: flat, shape (profile.size,), empty without one."""

    profile_id: str | None
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    events: int = 0
    requests: int = 0
    failed: int = 0
    refused: int = 0
    latency_sum_ms: float = 0.0
    newest_ts: str = ""
    latency: NDArray[np.int64] = field(default_factory=lambda: np.zeros(LATENCY_BINS, np.int64))

    @classmethod
    def empty(cls, profile_id: str | None, size: int) -> "Totals":
        return cls(profile_id, np.zeros(size, np.int64), np.zeros(size, np.float64))

    def add(self, other: "Totals") -> None:
        """Merge. Counts of another profile cannot be added: the newer totals' profile holds from then on."""
        self.events += other.events
        self.requests += other.requests
        self.failed += other.failed
        self.refused += other.refused
        self.latency_sum_ms += other.latency_sum_ms
        self.newest_ts = max(self.newest_ts, other.newest_ts)
        self.latency += other.latency
        if other.profile_id == self.profile_id:
            self.counts += other.counts
            self.sums += other.sums
        elif other.profile_id is not None and (self.profile_id is None or other.newest_ts >= self.newest_ts):
            self.profile_id, self.counts, self.sums = other.profile_id, other.counts.copy(), other.sums.copy()

    def add_service(
        self,
        events: int,
        failed: int,
        latencies_ms: NDArray[np.float64],
        *,
        refused: int = 0,
        refused_requests: int = 0,
    ) -> None:
        """Count instances, and the latency of each request (not of each of its instances).

        Args:
            events: instances, `failed` (status of 400 and above) and `refused` (of these those with 4xx) among them.
            failed: see there.
            latencies_ms: of the requests that were not refused: a refusal says nothing of how long a model takes.
            refused: see `events`.
            refused_requests: requests that were refused.
        """
        self.events += events
        self.failed += failed
        self.refused += refused
        self.requests += len(latencies_ms) + refused_requests
        self.latency_sum_ms += float(latencies_ms.sum())
        self.latency += np.bincount(latency_bin(latencies_ms), minlength=LATENCY_BINS)

    @property
    def timed_requests(self) -> int:
        """How many requests `latency` and `latency_sum_ms` are of: all but those that were refused with 4xx."""
        return int(self.latency.sum())

    def pack(self) -> PackedTotals:
        used = np.flatnonzero(self.counts)
        slow = np.flatnonzero(self.latency)
        latency = np.stack([slow, self.latency[slow]]).astype("<i8").tobytes()
        return PackedTotals(
            self.events,
            self.requests,
            self.failed,
            self.latency_sum_ms,
            self.newest_ts,
            self.profile_id,
            len(self.counts),
            latency,
            used.astype("<u4").tobytes(),
            self.counts[used].astype("<i8").tobytes(),
            self.sums[used].astype("<f8").tobytes(),
            self.refused,
        )

    @classmethod
    def unpack(cls, packed: PackedTotals) -> "Totals":
        totals = cls.empty(packed.profile_id, packed.size)
        totals.events, totals.requests = packed.events, packed.requests
        totals.failed, totals.refused = packed.failed, packed.refused
        totals.latency_sum_ms, totals.newest_ts = packed.latency_sum_ms, packed.newest_ts
        slow = np.frombuffer(packed.latency, "<i8").reshape(2, -1)
        totals.latency[slow[0]] = slow[1]
        used = np.frombuffer(packed.bins, "<u4")
        totals.counts[used] = np.frombuffer(packed.counts, "<i8")
        totals.sums[used] = np.frombuffer(packed.sums, "<f8")
        return totals
