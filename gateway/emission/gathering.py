"""Coalescing events into Kafka records: which events share a record, and when it is full. Pure: no clock, no Kafka."""

from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

MAX_RECORD_BYTES = 500_000
"""Well under the 1 MB that brokers take by default, and enough to make the cost per record vanish."""
MAX_RECORD_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Events of one deployment, ready to be produced."""

    deployment_id: str
    value: bytes
    event_ids: tuple[str, ...]
    newest: str
    """Time of its latest event, as events write it; the record's own, whatever the clock says when it is sent."""

    @property
    def stamp_ms(self) -> int:
        """The same in milliseconds since the epoch, not rounded down: no event of it lies after it."""
        return ceil(datetime.fromisoformat(self.newest).timestamp() * 1000)


@dataclass(slots=True)
class _Open:
    lines: list[bytes] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    size: int = 0
    newest: str = ""


class Gatherer:
    """Open records by deployment."""

    def __init__(self, max_bytes: int = MAX_RECORD_BYTES, max_events: int = MAX_RECORD_EVENTS) -> None:
        self._max_bytes = max_bytes
        self._max_events = max_events
        self._open: dict[str, _Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, deployment_id: str, event_id: str, line: bytes, ts: str) -> list[EventRecord]:
        """Add one event of the time `ts`; what became full by it comes back (no, one or two records)."""
        full = []
        gathered = self._open.get(deployment_id)
        if gathered is not None and gathered.size + len(line) + 1 > self._max_bytes:
            full.append(self._close(deployment_id))
            gathered = None
        if gathered is None:
            gathered = self._open[deployment_id] = _Open()
        gathered.lines.append(line)
        gathered.ids.append(event_id)
        gathered.size += len(line) + 1
        gathered.newest = max(gathered.newest, ts)
        if len(gathered.lines) >= self._max_events or gathered.size >= self._max_bytes:
            full.append(self._close(deployment_id))
        return full

    def close_all(self) -> list[EventRecord]:
        """Everything gathered so far."""
        return [self._close(deployment_id) for deployment_id in list(self._open)]

    def _close(self, deployment_id: str) -> EventRecord:
        gathered = self._open.pop(deployment_id)
        return EventRecord(deployment_id, b"\n".join(gathered.lines), tuple(gathered.ids), gathered.newest)
