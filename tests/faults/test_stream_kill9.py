"""kill -9 of stream workers under load: the histograms still equal a recount of the events."""

import random
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import Producer

from stream.contracts.metrics import decode_service
from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import BROKERS, KAFKA_HOME, Broker
from tests.support.recount import recounted, wait_for_equality
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import Traffic, announce, make_profile
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

KILLS = 4
SEED = 20261123
LAYOUT = TopicLayout()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", "apache"])
def test_no_count_is_lost_or_doubled_when_workers_are_killed(kind: str, tmp_path: Path) -> None:
    if kind == "apache" and not KAFKA_HOME:
        pytest.skip("KAFKA_HOME names no installation of Apache Kafka")
    with cast(AbstractContextManager[Broker], BROKERS[kind](tmp_path)) as broker:
        kill_and_compare(broker, tmp_path, kills=KILLS, seed=SEED)


def kill_and_compare(broker: Broker, folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    ensure_topics(broker.bootstrap, LAYOUT)
    profiles = {name: make_profile(name, seed) for name in ("kill-a", "kill-b")}
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for name, profile in profiles.items():
        announce(producer, LAYOUT.name(Topic.DEPLOYMENTS), name, profile)
    with StreamWorkers(broker, folder, count=2, flush_s=0.3, evaluate_s=0.5) as workers:
        traffic = Traffic(broker.bootstrap, LAYOUT.name(Topic.EVENTS), tuple(profiles), seed).start()
        wait_until(lambda: read_topic(broker.bootstrap, LAYOUT.name(Topic.PANES)), 40, "the first pane")
        for _ in range(kills):
            _let_run(rng.uniform(1.0, 5.0), workers)
            workers.restart(rng.randrange(2))
        _let_run(3.0, workers)
        expected = recounted(traffic.stop(), profiles)
        assert expected
        wait_for_equality(broker, LAYOUT.name(Topic.PANES), workers, expected, profiles)
        windows = {name: sum(c.events for key, c in expected.items() if key[0] == name) for name in profiles}
        wait_until(lambda: in_day_window(broker) == windows, 30, f"24 h windows of {windows}", every_s=1.0)


def _let_run(seconds: float, workers: StreamWorkers) -> None:
    """Traffic goes on meanwhile: the length is part of the seeded schedule, not a wait for something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        workers.revive()
        time.sleep(0.1)


def in_day_window(broker: Broker) -> dict[str, int]:
    """Events in the newest 24 h window of each deployment."""
    newest: dict[str, tuple[str, int]] = {}
    for record in read_topic(broker.bootstrap, LAYOUT.name(Topic.SERVICE)):
        for metric in decode_service(record.value):
            if metric.window == "24h":
                entry = (metric.ts, metric.events)
                newest[metric.deployment_id] = max(entry, newest.get(metric.deployment_id, entry))
    return {name: events for name, (_, events) in newest.items()}
