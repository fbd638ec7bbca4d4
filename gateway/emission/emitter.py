"""Events leave the request path here: encoded, gathered per deployment, bounded by bytes; nothing waits for Kafka."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

import msgspec

from gateway.emission.gathering import MAX_RECORD_BYTES, EventRecord, Gatherer
from gateway.events import InferenceEvent
from gateway.prometheus import EMIT_BUFFER_BYTES, EVENTS_ACCEPTED, EVENTS_DROPPED, FEATURES_DROPPED

log = logging.getLogger(__name__)


class RecordSink(Protocol):
    """Where records go: Kafka (gateway/emission/producing.py)."""

    @property
    def settled_bytes(self) -> int:
        """Bytes of all records that are acknowledged or lost, so far."""

    def produce(self, record: EventRecord) -> None:
        """Take a record; must not block."""

    def close(self, deadline_s: float) -> int:
        """Wait for what is under way; how many events were not delivered. May block."""


class Emitter:
    """Belongs to one event loop."""

    def __init__(self, sink: RecordSink, buffer_bytes: int, linger_s: float) -> None:
        """
        Args:
            sink: where records go.
            buffer_bytes: bytes that may be gathered or under way; one event more is dropped and counted.
            linger_s: seconds that an event may wait for others of its deployment.
        """
        self._sink = sink
        self._buffer_bytes = buffer_bytes
        self._linger_s = linger_s
        self._gatherer = Gatherer()
        self._encoder = msgspec.json.Encoder()
        self._accepted_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        EMIT_BUFFER_BYTES.set_function(lambda: self.pending_bytes)

    @property
    def pending_bytes(self) -> int:
        """Bytes gathered or under way."""
        return max(0, self._accepted_bytes - self._sink.settled_bytes)

    def emit(self, events: Iterable[InferenceEvent]) -> None:
        """Take events; those that find no room are dropped and counted."""
        taken = 0
        for event in events:
            line = self._encode(event)
            if line is None:
                EVENTS_DROPPED.labels("too_large").inc()
            elif self.pending_bytes + len(line) > self._buffer_bytes:
                EVENTS_DROPPED.labels("buffer_full").inc()
            else:
                self._take(event, line)
                taken += 1
        EVENTS_ACCEPTED.inc(taken)

    async def close(self, deadline_s: float) -> None:
        """Send what is gathered and wait for acknowledgements, at most so many seconds."""
        self._send_all()
        left = await asyncio.to_thread(self._sink.close, deadline_s)
        if left:
            EVENTS_DROPPED.labels("shutdown").inc(left)
            log.error("%d events were not acknowledged within %.0f s and are lost", left, deadline_s)

    def _take(self, event: InferenceEvent, line: bytes) -> None:
        full = self._gatherer.add(event.deployment_id, event.event_id, line, event.ts)
        self._accepted_bytes += len(line)
        for record in full:
            self._produce(record)
        if self._timer is None and len(self._gatherer):
            self._timer = asyncio.get_running_loop().call_later(self._linger_s, self._send_all)

    def _encode(self, event: InferenceEvent) -> bytes | None:
        """One line; without features where they make it larger than a record may be, None if it still is."""
        line = self._encoder.encode(event)
        if len(line) <= MAX_RECORD_BYTES:
            return line
        FEATURES_DROPPED.labels("too_large").inc()
        line = self._encoder.encode(msgspec.structs.replace(event, features=None))
        return line if len(line) <= MAX_RECORD_BYTES else None

    def _send_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for record in self._gatherer.close_all():
            self._produce(record)

    def _produce(self, record: EventRecord) -> None:
        # The newlines between its events: counted here, so that accepted and settled bytes are the same sum.
        self._accepted_bytes += len(record.event_ids) - 1
        self._sink.produce(record)
