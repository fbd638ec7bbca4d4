"""Where partitions end now, asked on a connection of its own.

A broker answers the requests of one connection in their order: a consumer that asks for an end waits for the fetch that
it holds open. So each such question of a stream worker took up to 1.5 s, and a drain asks one for every topic.
"""

from collections.abc import Iterable
from concurrent.futures import TimeoutError as NoAnswerError

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

Key = tuple[str, int]
"""Topic and partition."""


class EndOffsets:
    """Blocks while it asks: call it from a thread where an event loop runs."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def ask(self, partitions: Iterable[Key], timeout_s: float) -> dict[Key, int]:
        """The end offset of each (of the embedded broker's last batch only where that begins).

        Those of which the broker does not say it in time are left out.
        """
        keys = list(partitions)
        if not keys:
            return {}
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
