"""Which partition a key is in: as Kafka's clients, and so the stream's own producer, decide it."""

from aiokafka.partitioner import murmur2


def partition_of(key: str, partitions: int) -> int:
    """Of a topic with so many partitions."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions
