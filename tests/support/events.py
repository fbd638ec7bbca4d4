"""Reading events back from the topic, as any consumer would."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewTopic

from tests.support.broker import admin

TOPIC = "inference.events"


@dataclass(frozen=True)
class ReadRecord:
    """One record."""

    partition: int
    headers: dict[str, bytes]
    events: list[dict[str, Any]]


def make_topic(bootstrap: str, partitions: int = 4) -> None:
    client = admin(bootstrap)
    future = client.create_topics([NewTopic(TOPIC, partitions, 1)], request_timeout=60)[TOPIC]
    future.result(timeout=60)


def _bytes(text: str | bytes | None) -> bytes:
    return text.encode() if isinstance(text, str) else text or b""


def read_records(
    bootstrap: str, enough: Callable[[list[ReadRecord]], bool], deadline_s: float = 15, partitions: int = 4
) -> list[ReadRecord]:
    """All records of the topic from its beginning, read until there are enough."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False})
    consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in range(partitions)])
    found: list[ReadRecord] = []
    end = time.monotonic() + deadline_s
    try:
        while not enough(found):
            assert time.monotonic() < end, f"not enough records within {deadline_s:g} s: {found}"
            for message in consumer.consume(500, timeout=0.2):
                value = message.value()
                if message.error() is None and value is not None:
                    headers = {name: _bytes(text) for name, text in dict(message.headers() or []).items()}
                    events = [json.loads(line) for line in value.split(b"\n")]
                    found.append(ReadRecord(message.partition() or 0, headers, events))
    finally:
        consumer.close()
    return found


def read_events(bootstrap: str, count: int, deadline_s: float = 15, partitions: int = 4) -> list[dict[str, Any]]:
    """At least `count` events, from the beginning of the topic."""
    records = read_records(
        bootstrap, lambda seen: sum(len(record.events) for record in seen) >= count, deadline_s, partitions
    )
    return [event for record in records for event in record.events]
