"""Producers that a process keeps, so that who announces need not wait for a connection.

None is idempotent: the embedded broker that follows another does not know the producer's id, and it would never write
again. Records go one by one, and the newest of a key holds: one that is written twice, or again, is harmless.
"""

from threading import Lock

from confluent_kafka import Producer

from stream.contracts.topics import TopicLayout

TIMEOUT_S = 13.5
"""After which a record that was not acknowledged has failed: before the longest of who waits for it gives up."""
_Key = tuple[str, int]
_kept: dict[_Key, Producer] = {}
_lock = Lock()


def producer_for(bootstrap: str, layout: TopicLayout) -> Producer:
    """The one of this process; may be used by several threads."""
    key = (bootstrap, layout.max_record_bytes)
    with _lock:
        if key not in _kept:
            _kept[key] = Producer(
                {
                    "bootstrap.servers": bootstrap,
                    "acks": "all",
                    "message.max.bytes": layout.max_record_bytes,
                    "message.timeout.ms": int(TIMEOUT_S * 1000),
                    "compression.type": "lz4",
                    # It outlives the broker, and in the next one would make the topic with other partitions than ours.
                    "allow.auto.create.topics": False,
                    "log_level": 0,
                }
            )
        return _kept[key]


def forget(producer: Producer) -> None:
    """Make another one next time: after a failure nobody knows what this one still holds, or still may do."""
    with _lock:
        for key in [key for key, kept in _kept.items() if kept is producer]:
            del _kept[key]
    producer.purge()
