"""Records to Kafka: handed to librdkafka without waiting, spread over all partitions, each outcome counted."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from gateway.emission.gathering import EventRecord
from gateway.emission.producer_recovery import TopicLog
from gateway.events import record_headers
from gateway.log_limit import limited_logger
from gateway.prometheus import EVENT_STALLS, EVENTS_ACKED, EVENTS_DROPPED, KAFKA_ERRORS, RECORDS
from model_runner import watched

log = logging.getLogger(__name__)
_UNASSIGNED = -1
_PARTITIONS_EVERY_S = 60.0
_PARTITIONS_RETRY_S = 1.0
_STALLED_S = 3.0
"""Without an acknowledgement, while records wait, before it is looked into."""
_FLUSH_OLD_S = 5.0
_PURGED = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
_FENCED = (KafkaError._FATAL, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
"""Nothing that this producer sends is taken any more: an embedded broker that began anew gave its id to another."""

OnAcked = Callable[[tuple[str, ...]], None]
"""Called in the producer's thread with the ids of events that the broker acknowledged."""


@dataclass(frozen=True)
class ProducerConfig:
    """Where events go."""

    bootstrap: str
    topic: str
    buffer_bytes: int = 64_000_000
    linger_ms: float = 2.0
    """librdkafka's own: gathers records (of many deployments) into one request."""

    def librdkafka(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.bootstrap,
            # Topics are created with their settings by `tidegate topics`, never by accident.
            "allow.auto.create.topics": False,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": self.linger_ms,
            # For ever: what waits for an absent broker is bounded by the emitter's bytes, not by its age.
            "message.timeout.ms": 0,
            "message.max.bytes": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": self.buffer_bytes // 1000 + 64_000,
            "topic.metadata.propagation.max.ms": 600_000,
            "topic.metadata.refresh.interval.ms": 30_000,
            "reconnect.backoff.max.ms": 1_000,
            "socket.keepalive.enable": True,
        }


class RecordProducer:
    """One librdkafka producer and the thread that collects its delivery reports."""

    def __init__(self, config: ProducerConfig, on_acked: OnAcked | None = None) -> None:
        self._config = config
        self._on_acked = on_acked
        self._logger = limited_logger("gateway.kafka")
        self._turn = count()
        self._partitions = 0
        self._ask_at = 0.0
        self._lock = threading.Lock()
        self._swap = threading.Lock()
        self._settled_bytes = 0
        self._events_under_way = 0
        self._acked = False
        """Whether any record of the present producer was acknowledged."""
        self._log = TopicLog(config.bootstrap, config.topic)
        self._moved_at = time.monotonic()
        self._stopped = threading.Event()
        self._producer = self._new_producer()
        self._left: list[Producer] = []
        """Producers that were replaced and still hold records."""
        self._again: deque[EventRecord] = deque()
        """Records that come from them, for the present one."""
        self._fenced = False
        """Whether the present one is no longer taken any record from."""
        self._thread = watched.keep_thread(self._collect, "kafka-delivery")

    @property
    def settled_bytes(self) -> int:
        """Bytes of all records that are acknowledged or lost, so far."""
        return self._settled_bytes

    def produce(self, record: EventRecord) -> None:
        """Hand over a record; never waits."""
        with self._lock:
            if not self._events_under_way:
                self._moved_at = time.monotonic()
            self._events_under_way += len(record.event_ids)
        self._hand_over(record)

    def close(self, deadline_s: float) -> int:
        """Wait until all is acknowledged, at most so many seconds; how many events were not. Blocks."""
        end = time.monotonic() + deadline_s
        self._producer.flush(deadline_s)
        while self._events_under_way and (self._left or self._again) and time.monotonic() < end:
            time.sleep(0.05)
        self._stopped.set()
        self._thread.join(timeout=5)
        return self._events_under_way

    def _hand_over(self, record: EventRecord) -> None:
        partition = next(self._turn) % self._partitions if self._partitions else _UNASSIGNED
        try:
            with self._swap:
                producer = self._producer
                producer.produce(
                    self._config.topic,
                    value=record.value,
                    partition=partition,
                    timestamp=record.stamp_ms,
                    headers=list(record_headers(record.deployment_id, len(record.event_ids))),
                    on_delivery=lambda error, message: self._delivered(record, producer, error, message),
                )
        except BufferError as error:
            self._lost(record, "buffer_full", error)
        except KafkaException as error:
            if error.args[0].code() == KafkaError._FATAL:
                self._fenced = True
                self._again.append(record)
            else:
                self._lost(record, "delivery_failed", error)

    def _new_producer(self) -> Producer:
        return Producer({**self._config.librdkafka(), "error_cb": self._on_error}, logger=self._logger)

    def _delivered(self, record: EventRecord, producer: Producer, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self._acked |= producer is self._producer
            self._settle(record)
            RECORDS.labels("acked").inc()
            EVENTS_ACKED.inc(len(record.event_ids))
            self._tell(record)
        elif error.code() in _PURGED or error.code() in _FENCED:
            # Its producer was, or will be, replaced, and the log that it may have reached is gone.
            self._fenced |= error.code() in _FENCED and producer is self._producer
            self._again.append(record)
        else:
            self._lost(record, "delivery_failed", error)

    def _tell(self, record: EventRecord) -> None:
        if self._on_acked is None:
            return
        try:
            self._on_acked(record.event_ids)
        except Exception as error:  # what it does with them is no reason to deliver no more
            self._logger.exception("who is told of acknowledged events failed: %s", error)

    def _lost(self, record: EventRecord, reason: str, error: object) -> None:
        self._settle(record)
        RECORDS.labels("failed").inc()
        EVENTS_DROPPED.labels(reason).inc(len(record.event_ids))
        self._logger.error("a record of %d events was lost (%s): %s", len(record.event_ids), reason, error)

    def _settle(self, record: EventRecord) -> None:
        with self._lock:
            self._settled_bytes += len(record.value)
            self._events_under_way -= len(record.event_ids)
            self._moved_at = time.monotonic()

    def _on_error(self, error: KafkaError) -> None:
        KAFKA_ERRORS.inc()
        self._logger.warning("%s", error.str())

    def _collect(self) -> None:
        while not self._stopped.is_set():
            self._producer.poll(0.1)
            if self._fenced:
                log.warning("the broker takes no more from this producer: sending what waits through a new one")
                self._replace()
            self._empty_left()
            self._send_again()
            if self._events_under_way and time.monotonic() - self._moved_at > _STALLED_S:
                self._look_into_stall()
            if time.monotonic() >= self._ask_at:
                self._count_partitions()

    def _look_into_stall(self) -> None:
        self._moved_at = time.monotonic()
        EVENT_STALLS.inc()
        if self._log.is_lost(self._partitions, acked=self._acked):
            log.warning("the broker lost the topic %s: sending what waits through a new producer", self._config.topic)
            self._replace()

    def _replace(self) -> None:
        old, new = self._producer, self._new_producer()
        with self._swap:
            self._producer = new
            self._fenced = False
        self._acked = False
        self._log.forget()
        self._ask_at = 0.0
        self._left.append(old)

    def _empty_left(self) -> None:
        """Each record that a replaced producer still holds comes back through its delivery report.

        Whatever goes wrong meanwhile, it stays on the list until it is empty.
        """
        for old in tuple(self._left):
            old.purge(in_queue=True, in_flight=True, blocking=True)
            if not old.flush(_FLUSH_OLD_S):
                self._left.remove(old)

    def _send_again(self) -> None:
        for _ in range(len(self._again)):
            self._hand_over(self._again.popleft())

    def _count_partitions(self) -> None:
        try:
            topics = self._producer.list_topics(timeout=1).topics
        except KafkaException:
            topics = {}
        found = topics.get(self._config.topic)
        if found is not None and found.partitions:
            self._log.meet()
            self._partitions = len(found.partitions)
            self._ask_at = time.monotonic() + _PARTITIONS_EVERY_S
        else:
            self._ask_at = time.monotonic() + _PARTITIONS_RETRY_S
