"""Small things that tests do with a Kafka client."""

from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicCollection
from confluent_kafka.admin import NewTopic

from tests.support.broker import admin
from tests.support.waiting import wait_until


def create_topic(bootstrap: str, name: str, partitions: int = 1, **config: str) -> str:
    """A topic with these settings (`_` for `.` in their names), known to all; its name."""
    settings = {key.replace("_", "."): value for key, value in config.items()}
    client = admin(bootstrap)
    new = NewTopic(name, partitions, 1, config=settings)
    client.create_topics([new], request_timeout=60)[name].result(61)

    def has_leaders() -> bool:
        found = client.list_topics(timeout=60).topics.get(name)
        return found is not None and len(found.partitions) == partitions

    wait_until(has_leaders, 10, f"topic {name}")
    return name


def topic_id(bootstrap: str, name: str) -> str:
    """Of this incarnation of the topic."""
    client = admin(bootstrap)  # a future dies with its client
    described = client.describe_topics(TopicCollection([name]), request_timeout=60)
    return str(described[name].result(61).topic_id)


def producer(bootstrap: str, **config: Any) -> Producer:
    """Idempotent and quiet; options with `_` for `.`."""
    options = {key.replace("_", "."): value for key, value in config.items()}
    common = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0}
    return Producer({**common, "message.timeout.ms": 30_000, **options})


def consumer(bootstrap: str, group: str, **config: Any) -> Consumer:
    """Reads from the start, commits only when told; options with `_` for `.`."""
    options = {key.replace("_", "."): value for key, value in config.items()}
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 500,
            "log_level": 0,
            **options,
        }
    )


def read(reader: Consumer, count: int, deadline_s: float = 20) -> list[Message]:
    """Poll until there are `count` messages."""
    found: list[Message] = []

    def enough() -> bool:
        message = reader.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message)
        return len(found) >= count

    wait_until(enough, deadline_s, f"{count} messages", every_s=0)
    return found
