"""Seeded events of made-up deployments, as the gateway would write them."""

import random
import threading
import time
from dataclasses import dataclass, field

import msgspec
import numpy as np
from confluent_kafka import KafkaError, Message, Producer

from gateway.events import InferenceEvent, encode_record, record_headers
from stream.contracts.deployments import DeploymentRecord, encode
from stream.contracts.timestamps import to_text
from stream.profiles.build import build_profile
from stream.profiles.codec import encode_profile
from stream.profiles.profile import Profile


def make_profile(model: str, seed: int) -> Profile:
    """Two numeric features, one categorical, one score."""
    rng = np.random.default_rng(seed)
    columns = {"a": rng.normal(size=2000), "b": rng.exponential(size=2000), "c": rng.choice(["x", "y"], 2000).tolist()}
    return build_profile(columns, {"prediction": rng.random(2000)}, model=model, version=1)


def announce(
    producer: Producer, topic: str, deployment_id: str, profile: Profile | None, baseline_rows: int = 50
) -> None:
    """Publish a deployment and wait until the broker has it."""
    record = DeploymentRecord(
        deployment_id=deployment_id,
        workspace="default",
        model=deployment_id,
        version=1,
        ts=to_text(0.0),
        action="live",
        profile=None if profile is None else msgspec.json.decode(encode_profile(profile)),
        profile_id=None if profile is None else profile.id,
        baseline_rows=baseline_rows,
    )
    producer.produce(topic, encode(record), key=deployment_id)
    assert producer.flush(10) == 0, "the deployment was not acknowledged"


def make_event(rng: random.Random, number: int, deployment_id: str, ts: float, shift: float = 0.0) -> InferenceEvent:
    failed = rng.random() < 0.02
    return InferenceEvent(
        event_id=f"{deployment_id}-{number}",
        request_id=f"r-{number}",
        row=0,
        ts=to_text(ts),
        workspace="default",
        model=deployment_id,
        version=1,
        deployment_id=deployment_id,
        role="primary",
        status=500 if failed else 200,
        error="runner_failed" if failed else None,
        latency_ms=round(rng.expovariate(0.2), 3),
        model_ms=1.0,
        batch_size=1,
        features={
            "a": None if rng.random() < 0.05 else rng.gauss(shift, 1),
            "b": rng.expovariate(1),
            "c": rng.choice("xyz"),
        },
        prediction=rng.random(),
        key_id=None,
    )


@dataclass
class Traffic:
    """Produces at a steady rate from a thread, late and mixed as real traffic is; remembers what was acknowledged."""

    bootstrap: str
    topic: str
    deployments: tuple[str, ...]
    seed: int
    per_second: int = 1000
    partitions: int = 4
    acknowledged: list[InferenceEvent] = field(default_factory=list)
    failed: int = 0
    _asked_at: int | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> "Traffic":
        self._thread = threading.Thread(target=self._produce, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> list[InferenceEvent]:
        """End, wait for the acknowledgements; the acknowledged events."""
        self._stop.set()
        assert self._thread is not None
        self._thread.join(60)
        assert not self._thread.is_alive(), "the producer did not end"
        return self.acknowledged

    def acknowledged_since_now(self, wanted: int) -> bool:
        """Whether so many more were acknowledged since this was asked first."""
        if self._asked_at is None:
            self._asked_at = len(self.acknowledged)
        return len(self.acknowledged) - self._asked_at >= wanted

    def _produce(self) -> None:
        rng = random.Random(self.seed)
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        )
        number = 0
        while not self._stop.is_set():
            started = time.monotonic()
            for _ in range(max(1, self.per_second // 20 // 20)):
                number = self._record(producer, rng, number)
            producer.poll(0)
            self._stop.wait(max(0.0, 0.05 - (time.monotonic() - started)))
        assert producer.flush(50) == 0, "records were not acknowledged"

    def _record(self, producer: Producer, rng: random.Random, number: int) -> int:
        deployment = rng.choice(self.deployments)
        late = 45.0 if rng.random() < 0.01 else rng.random()
        events = [make_event(rng, number + i, deployment, time.time() - late) for i in range(20)]

        def done(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                self.acknowledged.extend(events)
            else:
                self.failed += len(events)

        producer.produce(
            self.topic,
            encode_record(events),
            partition=rng.randrange(self.partitions),
            headers=dict(record_headers(deployment, len(events))),
            on_delivery=done,
        )
        return number + len(events)
