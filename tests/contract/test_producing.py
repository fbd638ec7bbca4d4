"""The thread that collects delivery reports, when what it does fails: records arrive all the same, and it is said."""

import threading

import pytest

from gateway.emission.gathering import EventRecord
from gateway.emission.producing import ProducerConfig, RecordProducer
from model_runner import watched
from tests.support.broker import Broker, embedded_broker
from tests.support.events import make_topic
from tests.support.waiting import wait_until


def _record(number: int) -> EventRecord:
    return EventRecord("d-1", b"{}", (f"e-{number}",), "2026-01-31T12:00:00.000000Z")


def _produce(broker: Broker, producer: RecordProducer) -> None:
    for number in range(20):
        producer.produce(_record(number))
    wait_until(lambda: producer.settled_bytes == 20 * len(b"{}"), 30, f"20 acknowledgements of {broker.bootstrap}")


def test_a_thread_that_fails_is_started_again_and_readiness_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    deaths: list[str] = []
    fails, healthy = threading.Event(), RecordProducer._count_partitions

    def fail(self: RecordProducer) -> None:
        if not fails.is_set():
            raise OSError(24, "Too many open files")
        healthy(self)

    monkeypatch.setattr(watched, "on_death", [deaths.append])
    monkeypatch.setattr(watched, "_kept", {})
    monkeypatch.setattr(RecordProducer, "_count_partitions", fail)
    with embedded_broker() as broker:
        make_topic(broker.bootstrap)
        producer = RecordProducer(ProducerConfig(broker.bootstrap, "inference.events"))
        wait_until(lambda: len(deaths) >= 2, 30, "it to have died twice")
        assert "kafka-delivery (OSError: [Errno 24] Too many open files)" in (watched.trouble() or "")
        _produce(broker, producer)
        fails.set()
        wait_until(lambda: watched.trouble() is None, 60, "it to be well")
        assert producer.close(10) == 0


def test_who_is_told_of_acknowledgements_may_fail() -> None:
    def full(_: tuple[str, ...]) -> None:
        raise OSError(28, "No space left on device")

    with embedded_broker() as broker:
        make_topic(broker.bootstrap)
        producer = RecordProducer(ProducerConfig(broker.bootstrap, "inference.events"), full)
        _produce(broker, producer)
        assert producer.close(10) == 0
        assert watched.trouble() is None
