"""Everything that a topic holds, read to its end."""

import time
from typing import NamedTuple, cast

from confluent_kafka import Consumer, KafkaError, TopicPartition

DEADLINE_S = 300.0
FETCH_WAIT_MS = 10
"""librdkafka reports the end on an empty answer alone. A broker that waits longer than the pause between two writes
never gives one, and a topic that is written to would have no end."""


class Read(NamedTuple):
    """One record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes


def read_topic(bootstrap: str, topic: str) -> list[Read]:
    """All records until each partition says that it ended (the embedded broker's end offsets are too low)."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "log_level": 0,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
        consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        return _read(consumer, set(partitions))
    finally:
        consumer.close()


def _read(consumer: Consumer, unfinished: set[int]) -> list[Read]:
    found: list[Read] = []
    deadline = time.monotonic() + DEADLINE_S
    while unfinished:
        assert time.monotonic() < deadline, f"partitions {unfinished} did not end in {DEADLINE_S} s"
        for message in consumer.consume(1000, timeout=0.2):
            error = message.error()
            partition = cast(int, message.partition())
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                unfinished.discard(partition)
            else:
                found.append(Read(partition, cast(int, message.offset()), message.key(), message.value() or b""))
    return found
