"""The Kafka consumer of the sink: membership in its group, and records as the partitions take them."""

import logging
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from storage.sink import prometheus
from storage.sink.config import TABLES, SinkConfig
from storage.sink.partition import Partition, State
from stream.exact.offset_sequence import OffsetVerdict
from stream.intake.events import Record

log = logging.getLogger(__name__)
Key = tuple[str, int]
_MESSAGES = 200
_QUIET = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT})
_START_AGAIN = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})


class Reader:
    """Owns the partitions that the group gave to this sink. One thread uses it."""

    def __init__(self, config: SinkConfig, clock: Callable[[], float]) -> None:
        self._topics = config.topics
        self._clock = clock
        self.partitions: dict[Key, Partition] = {}
        self.assigned = False
        """Whether the group has given this sink its share once; it may be empty."""
        self.consumer = Consumer(_consumer_config(config))
        self.consumer.subscribe(
            list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def poll(self, timeout_s: float) -> None:
        """Read what is there into the partitions' buffers."""
        for message in self.consumer.consume(_MESSAGES, timeout=timeout_s):
            key = (message.topic() or "", -1 if (number := message.partition()) is None else number)
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                self._on_error(key, error)
            elif error is not None:
                self._ended(key, message)
            else:
                self._take(key, message)

    def go(self, partition: Partition, offset: int) -> None:
        """Read from there. Raises KafkaException where the consumer is not ready for it."""
        self.consumer.seek(TopicPartition(partition.topic_name, partition.number, offset))

    def pause(self, wanted: Iterable[Partition]) -> None:
        """Read these partitions no further for now, and all others again."""
        stop = {id(partition) for partition in wanted}
        change = [partition for partition in self.partitions.values() if partition.paused != (id(partition) in stop)]
        for partition in change:
            here = [TopicPartition(partition.topic_name, partition.number)]
            if partition.paused:
                self.consumer.resume(here)
            else:
                self.consumer.pause(here)
            partition.paused = not partition.paused

    def measure_lag(self) -> None:
        for (topic, number), partition in self.partitions.items():
            high = self.consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)[1]
            if partition.state is State.READING and high >= 0:
                prometheus.LAG.labels(partition.topic, str(number)).set(max(0, high - partition.read))

    def commit(self, *, wait: bool = False) -> None:
        """Tell the group how far everything is landed: for those who watch its lag."""
        offsets = [
            TopicPartition(topic, number, partition.read)
            for (topic, number), partition in self.partitions.items()
            if partition.state is State.READING
        ]
        try:
            if offsets and wait:
                self.consumer.commit(offsets=offsets, asynchronous=False)
            elif offsets:
                self.consumer.commit(offsets=offsets)
        except KafkaException as error:
            log.info("offsets were not committed (ClickHouse has the positions): %s", error)

    def close(self) -> None:
        self.consumer.close()

    def _take(self, key: Key, message: Message) -> None:
        partition = self.partitions.get(key)
        offset = message.offset()
        if partition is None or partition.state is not State.READING or offset is None:
            return
        record = Record(offset, message.timestamp()[1], message.value() or b"")
        missing = partition.buffer.sequence.missing
        if partition.buffer.add(record, self._clock()) is OffsetVerdict.SEEK:
            self.go(partition, partition.buffer.expected)
        prometheus.GAPS.labels(partition.topic).inc(partition.buffer.sequence.missing - missing)

    def _ended(self, key: Key, message: Message) -> None:
        """Nothing follows for now; what is before it was taken, where nothing is missing."""
        partition = self.partitions.get(key)
        if partition is None or partition.state is not State.READING:
            return
        if partition.buffer.sequence.ahead is None:
            partition.end_seen = message.offset() or 0
        else:
            self.go(partition, partition.buffer.expected)

    def _on_error(self, key: Key, error: KafkaError) -> None:
        partition = self.partitions.get(key)
        if error.code() in _START_AGAIN and partition is not None:
            log.warning("%s: %s", partition, error.str())
            partition.restart("where its reading starts")
        elif error.code() not in _QUIET:
            log.warning("consumer: %s", error.str())

    def _on_assign(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        self.assigned = True
        for each in given:
            each.offset = 0
        consumer.assign(given)
        if given:
            consumer.pause(given)
        self.partitions = {}
        for each in given:
            topic = self._topics[each.topic]
            self.partitions[each.topic, each.partition] = Partition(
                topic, each.topic, each.partition, TABLES[topic], self._clock
            )
        log.info("was given %d partitions", len(given))

    def _on_revoke(self, _consumer: Consumer, taken: list[TopicPartition]) -> None:
        """Whoever gets them goes on from the table's position; an insert on its way is answered by it."""
        for each in taken:
            partition = self.partitions.pop((each.topic, each.partition), None)
            if partition is not None:
                prometheus.LAG.remove(partition.topic, str(each.partition))


def _consumer_config(config: SinkConfig) -> dict[str, object]:
    return {
        "bootstrap.servers": config.bootstrap,
        "group.id": config.group,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        # The embedded broker lets a group wait for half of the session timeout before it starts.
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "topic.metadata.refresh.interval.ms": 10_000,
        "fetch.wait.max.ms": 100,
        "fetch.error.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,
        "fetch.message.max.bytes": config.layout.max_record_bytes + 65_536,
        "queued.max.messages.kbytes": 32_768,
        "log_level": 0,
        "error_cb": _on_client_error,
    }


def _on_client_error(error: KafkaError) -> None:
    if error.code() not in _QUIET:
        log.warning("consumer: %s", error.str())
