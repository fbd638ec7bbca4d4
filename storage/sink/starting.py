"""Where the reading of a partition starts: asked of the broker, the table and the group."""

import threading
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from storage.sink.partition import Partition, Start
from storage.sink.position import Claim, start_of_reading
from storage.sink.store import Store
from stream.broker.end_offsets import EndOffsets, EndUnknownError
from stream.broker.incarnations import IncarnationError, Incarnations

_REQUEST_S = 5.0


class Starts:
    """Shared by the sink's threads. Has a client of its own, which never joins the group."""

    def __init__(self, bootstrap: str, group: str, incarnations: Incarnations, ends: EndOffsets, store: Store) -> None:
        self._incarnations = incarnations
        self._ends = ends
        self._store = store
        self._lock = threading.Lock()
        self._asker = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )

    def find(self, partition: Partition) -> Start:
        """Raises StoreError or IncarnationError to be tried again, PositionAheadError for a person to look at."""
        topic, number = partition.topic_name, partition.number
        topic_id = self._incarnations.known(topic, time.monotonic())
        self._store.kill_inserts(Claim(topic, topic_id, number, None, 0))
        position = self._store.position(partition.table, topic_id, number)
        try:
            with self._lock:
                committed, low, high = self._ask(TopicPartition(topic, number), position)
        except (KafkaException, EndUnknownError) as error:
            raise IncarnationError(f"topic {topic} does not tell its offsets: {error}") from error
        return Start(topic_id, position, start_of_reading(topic, position, committed, low, high))

    def close(self) -> None:
        self._asker.close()

    def _ask(self, here: TopicPartition, position: int | None) -> tuple[int | None, int, int]:
        committed = self._asker.committed([here], timeout=_REQUEST_S)[0].offset if position is None else -1
        low, high = self._asker.get_watermark_offsets(here, timeout=_REQUEST_S)
        if max(committed, position or 0) > high:  # which may be short
            key = here.topic, here.partition
            high = self._ends.ask_all([key], _REQUEST_S)[key]
        return committed if committed >= 0 else None, low, high
