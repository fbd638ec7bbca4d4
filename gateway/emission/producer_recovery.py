"""A broker that forgot: the embedded one keeps topics in memory, so a restart leaves it neither records nor producers.

An idempotent producer then tries for ever to go on with a sequence that nobody remembers (measured: every record is
refused with UNKNOWN_PRODUCER_ID, the epoch is bumped, and again). It must be replaced, but only when the log is proven
to be lost: where a broker is merely slow, sending again through another producer would count events twice.
"""

from collections.abc import Mapping

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

_TIMEOUT_S = 2.0
_latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]


def log_is_lost(acked: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    """Whether a topic's log lost what it had acknowledged.

    Args:
        acked: highest offset that was acknowledged to us, by partition.
        ends: the topic's end offsets now (the next offset to be written), by partition; empty where unknown.
    """
    if not ends:
        return False
    if not acked:
        return not any(ends.values())
    return any(end <= acked.get(partition, -1) for partition, end in ends.items())


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """The topic's end offsets by partition; empty where the broker does not answer or has no such topic."""
    try:
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 2000})
        found = client.list_topics(timeout=_TIMEOUT_S).topics.get(topic)
        wanted = {TopicPartition(topic, number): _latest for number in (found.partitions if found else ())}
        if not wanted:
            return {}
        futures = client.list_offsets(wanted, request_timeout=_TIMEOUT_S)
        return {partition.partition: future.result(_TIMEOUT_S).offset for partition, future in futures.items()}
    except (KafkaException, TimeoutError):
        return {}
