"""Dead letters that the sink writes: lines of the topics that only it reads, and what ClickHouse refuses."""

import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaException, Producer

from stream.contracts.dead_letters import Reason, encode, letter_for
from stream.intake.events import Reject

READER = "sink"
_FLUSH_S = 10.0


class LettersError(Exception):
    """The letters could not be written; what they are about must not be skipped."""


class Letters:
    """Shared by the sink's threads."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                # Not idempotent: an embedded broker that follows another does not know the producer's id, and it would
                # never write again. A letter that is written twice has the same identity.
                "acks": "all",
                "compression.type": "lz4",
                "allow.auto.create.topics": False,  # topics are made by `tidegate topics`, with their settings
                "delivery.timeout.ms": int(_FLUSH_S * 1000),
                "log_level": 0,
            }
        )

    def write(self, topic: str, partition: int, rejects: Sequence[Reject]) -> None:
        """Return once the broker has them. A reject that is written again has the same identity: all but its `ts`.

        Raises:
            LettersError: not all could be written.
        """
        failed: list[str] = []

        def delivered(error: object, _message: object) -> None:
            if error is not None:
                failed.append(str(error))

        try:
            for reject in rejects:
                key = f"{READER}/{topic}" if reject.reason is Reason.SET_ASIDE else None
                self._produce(_encoded(topic, partition, reject), key, delivered)
            left = self._producer.flush(_FLUSH_S)
        except (KafkaException, BufferError) as error:
            raise LettersError(f"dead letters of {topic} could not be written: {error}") from error
        if left or failed:
            raise LettersError(f"dead letters of {topic} could not be written: {failed[:1] or 'no answer'}")

    def _produce(self, letter: bytes, key: str | None, delivered: Callable[[object, object], None]) -> None:
        """Raises BufferError where the producer's queue stays full."""
        deadline = time.monotonic() + _FLUSH_S
        while True:
            try:
                self._producer.produce(self._topic, letter, key=key, on_delivery=delivered)
                return
            except BufferError:
                if time.monotonic() > deadline:
                    raise
                self._producer.poll(0.1)


def _encoded(topic: str, partition: int, reject: Reject) -> bytes:
    return encode(
        letter_for(
            reject.raw,
            ts=time.time(),
            topic=topic,
            partition=partition,
            offset=reject.offset,
            line=reject.line,
            reason=reject.reason,
            detail=reject.detail,
            reader=READER,
        )
    )
