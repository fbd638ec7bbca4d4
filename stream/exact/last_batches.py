"""Where partitions really end: the last batch is read, for the embedded broker says only where that one begins.

Faust recovers a table up to the end that the broker said. So of the records that a worker wrote last, in one batch, all
but the first were left out: its state was an older one than the broker had.
"""

import time
from collections.abc import Mapping
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.exact.end_offsets import Key

FETCH_WAIT_MS = 10
"""librdkafka says that a partition ends when a fetch comes back empty: a longer wait would never see one while others
write."""
FETCH_BYTES = 16_777_216
MESSAGES = 1000


class EndUnknownError(Exception):
    """The broker did not say in time where a partition ends."""


def read_to_ends(bootstrap: str, ends: Mapping[Key, int], timeout_s: float) -> dict[Key, int]:
    """Blocks: call it from a thread where an event loop runs.

    Args:
        ends: end offset of each partition, as the broker said it.

    Returns:
        the end offset of each; what is written meanwhile may be in or not.

    Raises:
        EndUnknownError: no answer in time.
    """
    found = dict(ends)
    unfinished = {key for key, end in ends.items() if end > 0}
    if not unfinished:
        return found
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "tidegate-ends",  # it is never joined, and nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "latest",  # what was trimmed meanwhile ends where it begins
            "fetch.wait.max.ms": FETCH_WAIT_MS,
            "max.partition.fetch.bytes": FETCH_BYTES,
            "fetch.max.bytes": FETCH_BYTES,
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, ends[topic, number] - 1) for topic, number in unfinished])
        deadline = time.monotonic() + timeout_s
        while unfinished:
            if time.monotonic() > deadline:
                raise EndUnknownError(f"the broker did not say in {timeout_s:g} s where {sorted(unfinished)} end")
            for message in consumer.consume(MESSAGES, timeout=0.1):
                _note(message, found, unfinished)
    except KafkaException as error:
        raise EndUnknownError(f"the broker does not say where {sorted(unfinished)} end: {error}") from error
    finally:
        consumer.close()
    return found


def _note(message: Message, found: dict[Key, int], unfinished: set[Key]) -> None:
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        return  # it is asked again, until the deadline
    key = cast(str, message.topic()), cast(int, message.partition())
    if error is None:
        found[key] = max(found[key], cast(int, message.offset()) + 1)
    else:
        unfinished.discard(key)
