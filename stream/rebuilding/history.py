"""What the stream asks of whoever kept its past: panes and events that landed, of topics that are no more."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

from stream.contracts.alerts import Alert
from stream.contracts.identity import Identity
from stream.contracts.metrics import ServiceMetric


class Stretch(NamedTuple):
    """Event time of one deployment, in seconds since the epoch; panes that start in it."""

    identity: Identity
    profile_id: str | None
    """What its bins are to be counted against; those of other profiles are not asked for."""
    begin: int
    end: int


class PaneStart(NamedTuple):
    """One pane of a deployment, of all source partitions and incarnations."""

    deployment_id: str
    start: int
    """Seconds since the epoch."""


class SlotSum(NamedTuple):
    """What the panes of one slot add up to, of one profile; fields as in a pane (stream/contracts/panes.py)."""

    deployment_id: str
    start: int
    """Seconds since the epoch."""
    profile_id: str | None
    newest_ts: str
    events: int
    requests: int
    failed: int
    refused: int
    latency_sum_ms: float
    latency_bins: Sequence[int]
    latency_counts: Sequence[int]
    bins: Sequence[int]
    """Ascending."""
    counts: Sequence[int]
    sums: Sequence[float]


class StoredEvent(NamedTuple):
    """What is stored of an event, as far as it is counted."""

    deployment_id: str
    ts_us: int
    """Microseconds since the epoch."""
    row: int
    status: int
    latency_ms: float
    features: dict[str, str | None]
    """Text stands without quotes, every other value is its JSON text."""
    prediction: str
    """JSON."""


class HistoryError(Exception):
    """The past cannot be read now; the message says why. It may be asked again."""


class History(Protocol):
    """Of former incarnations of `inference.events` and `feature.panes` alone: what the topics hold now is read there.

    Every method blocks, and raises HistoryError. The same questions have the same answers, whenever they are asked.
    """

    def settle(self) -> None:
        """Wait until nothing of a former incarnation is on its way any more."""

    def newest(self, deployments: Sequence[Identity]) -> dict[str, int]:
        """Start of the newest pane of each deployment, whether it was counted or has only its events stored."""

    def differing(self, stretches: Sequence[Stretch]) -> set[PaneStart]:
        """Panes whose counts are not those of the stored events, of any source partition and incarnation."""

    def sums(
        self, stretches: Sequence[Stretch], slot_seconds: int, without: Collection[PaneStart]
    ) -> Iterator[SlotSum]:
        """The panes of the stretches, added up by slot and profile: of a deployment the oldest first."""

    def events(self, stretches: Sequence[Stretch], panes: Collection[PaneStart]) -> Iterator[list[StoredEvent]]:
        """The stored events of these panes, in blocks."""

    def samples(self, deployments: Sequence[Identity]) -> Iterator[tuple[str, list[dict[str, object]]]]:
        """Rows that panes carry for a reference that is to be learned, with their deployment, the oldest pane first."""

    def memories(self, deployments: Sequence[Identity]) -> dict[str, str]:
        """What the newest evaluation of each deployment remembered (stream/windows/memory.py)."""

    def firing(self) -> list[Alert]:
        """Every alert that fires, the longest first."""

    def service(self, deployments: Sequence[Identity], window: str, seconds: int) -> list[ServiceMetric]:
        """The last `seconds` of the service metrics of a window, the oldest first."""
