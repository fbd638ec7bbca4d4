"""Seeded events of one made-up deployment with numeric features, as the gateway writes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from confluent_kafka import Producer

from gateway.events import InferenceEvent, encode_record, record_headers
from stream.contracts.timestamps import to_text
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile

SEED = 2026
DISTINCT = 2000
"""Different rows; they come again and again with other times and ids."""
EVENTS_A_SECOND = 10_000
"""Of event time: how dense the made-up traffic is. A pane of one partition holds 25,000 of them."""
DEPLOYMENT = "d-benchmark"
FLUSH_S = 60.0


@dataclass(frozen=True)
class Workload:
    """`features` numbers a row, from a normal distribution, and one probability as the prediction."""

    features: int = 20

    @property
    def names(self) -> list[str]:
        return [f"feature_{index:02}" for index in range(self.features)]

    def profile(self) -> Profile:
        """A reference of the same distribution: what the worker counts against."""
        rng = np.random.default_rng(SEED)
        columns = {name: rng.normal(size=5000) for name in self.names}
        return build_profile(columns, {"prediction": rng.random(5000)}, model=DEPLOYMENT, version=1)

    def rows(self) -> list[InferenceEvent]:
        """The distinct events, without their times."""
        rng = np.random.default_rng(SEED + 1)
        values = rng.normal(size=(DISTINCT, self.features)).tolist()
        scores = rng.random(DISTINCT).tolist()
        return [
            _event(index, dict(zip(self.names, row, strict=True)), score)
            for index, (row, score) in enumerate(zip(values, scores, strict=True))
        ]

    def records(self, events: int, per_record: int, end: float) -> Iterator[bytes]:
        """The values of `events / per_record` records, their times ending at `end` (seconds since the epoch)."""
        rows = self.rows()
        for first in range(0, events, per_record):
            numbers = range(first, min(first + per_record, events))
            yield encode_record(
                msgspec.structs.replace(
                    rows[number % DISTINCT],
                    event_id=f"{number:036}",
                    ts=to_text(end - (events - number) / EVENTS_A_SECOND),
                )
                for number in numbers
            )


def _event(index: int, features: dict[str, float], score: float) -> InferenceEvent:
    return InferenceEvent(
        event_id="",
        request_id=f"{index:036}",
        row=0,
        ts="",
        workspace="default",
        model=DEPLOYMENT,
        version=1,
        deployment_id=DEPLOYMENT,
        role="primary",
        status=200,
        error=None,
        latency_ms=2.5,
        model_ms=0.8,
        batch_size=1,
        features=features,
        prediction=score,
        key_id=None,
    )


def fill(bootstrap: str, topic: str, records: Sequence[bytes], per_record: int, partitions: int) -> None:
    """Produce all records, one partition after the other in turn, and wait for the acknowledgements."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "message.max.bytes": 4_000_000,
            "queue.buffering.max.messages": 2_000_000,
            "queue.buffering.max.kbytes": 2_000_000,
            "log_level": 0,
        }
    )
    headers: list[tuple[str, str | bytes | None]] = [*record_headers(DEPLOYMENT, per_record)]
    for number, value in enumerate(records):
        producer.produce(topic, value, partition=number % partitions, headers=headers)
    if producer.flush(FLUSH_S):
        raise RuntimeError(f"the broker did not acknowledge {len(producer)} of {len(records)} records")
