"""Where partitions end now: the offset after the last record that the broker has acknowledged.

Asked for it, the embedded broker names the offset after the *first* record of the last batch. What comes with a fetch
(the high watermark) is right with every broker, so the question is followed by one fetch from the end that was named.

Both go over connections on which nothing else waits. A broker answers the requests of one connection in their order: a
consumer that asks for an end waits for the fetch that it holds open, up to 1.5 s in a stream worker.
"""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as NoAnswerError

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

Key = tuple[str, int]
"""Topic and partition."""

POLL_S = 0.1
FETCH_WAIT_MS = 10
"""How long the broker may hold a fetch open where nothing follows the end that it named."""


class EndUnknownError(Exception):
    """The broker did not say in time where a partition ends."""


class EndOffsets:
    """May be shared by threads. Blocks while it asks: call it from a thread where an event loop runs."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def ask(self, partitions: Iterable[Key], timeout_s: float) -> dict[Key, int]:
        """The end offset of each; what is written meanwhile may be in or not.

        Those of which the broker does not say it in time are left out.
        """
        keys = set(partitions)
        if not keys:
            return {}
        deadline = time.monotonic() + timeout_s
        return self._fetched(self._named(keys, timeout_s), deadline)

    def ask_all(self, partitions: Iterable[Key], timeout_s: float) -> dict[Key, int]:
        """The end offset of each.

        Raises:
            EndUnknownError: the broker does not say it in time of all of them.
        """
        keys = set(partitions)
        found = self.ask(keys, timeout_s)
        if unknown := keys - found.keys():
            raise EndUnknownError(f"the broker did not say in {timeout_s:g} s where {sorted(unknown)} end")
        return found

    def _named(self, keys: Iterable[Key], timeout_s: float) -> dict[Key, int]:
        """Never beyond the end."""
        latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(topic, partition): latest for topic, partition in keys}
        answers = self._admin.list_offsets(wanted, request_timeout=timeout_s)
        found = {}
        for here, answer in answers.items():
            try:
                found[here.topic, here.partition] = int(answer.result(timeout=timeout_s).offset)
            except (KafkaException, NoAnswerError):
                continue
        return found

    def _fetched(self, named: Mapping[Key, int], deadline: float) -> dict[Key, int]:
        found = {key: 0 for key, end in named.items() if end == 0}
        if len(found) == len(named):
            return found
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "tidegate-ends",  # it is never joined, and nothing is committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "latest",  # what was trimmed meanwhile ends where it begins
                "fetch.wait.max.ms": FETCH_WAIT_MS,
                "log_level": 0,
            }
        )
        try:
            consumer.assign([TopicPartition(*key, end) for key, end in named.items() if key not in found])
            while len(found) < len(named) and time.monotonic() < deadline:
                message = consumer.poll(POLL_S)
                if message is not None and (key := _fetched_of(message)) is not None:
                    _, high = consumer.get_watermark_offsets(TopicPartition(*key), cached=True)
                    found[key] = max(named[key], high)
        finally:
            consumer.close()
        return found


def _fetched_of(message: Message) -> Key | None:
    """The partition of which a fetch was answered: with a record, or with word that nothing follows."""
    error, topic, partition = message.error(), message.topic(), message.partition()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        return None  # it is asked again, until the deadline
    return None if topic is None or partition is None else (topic, partition)
