"""What the stream workers need of a broker: assignment, recovery from the changelog, a join, and its coming back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import Producer

from stream.contracts.topics import Topic, TopicLayout
from stream.profiles.profile import Profile
from tests.support.broker import BROKERS, KAFKA_HOME, Broker
from tests.support.recount import recounted, wait_for_equality
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import Traffic, announce, make_profile
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

LAYOUT = TopicLayout()
EVENTS, PANES = LAYOUT.name(Topic.EVENTS), LAYOUT.name(Topic.PANES)
SEED = 11


@pytest.fixture(params=["embedded", "apache"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "apache" and not KAFKA_HOME:
        pytest.skip("KAFKA_HOME names no installation of Apache Kafka")
    with cast(AbstractContextManager[Broker], BROKERS[request.param](tmp_path)) as running:
        ensure_topics(running.bootstrap, LAYOUT)
        yield running


def prepare(broker: Broker) -> dict[str, Profile]:
    profiles = {"faust-a": make_profile("faust-a", SEED)}
    announce(
        Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0}),
        LAYOUT.name(Topic.DEPLOYMENTS),
        "faust-a",
        profiles["faust-a"],
    )
    return profiles


def wait_for_panes(broker: Broker) -> None:
    wait_until(lambda: read_topic(broker.bootstrap, PANES), 40, "the first pane", every_s=0.5)


@pytest.mark.slow
def test_a_worker_takes_up_where_another_stopped_and_shares_with_one_that_joins(broker: Broker, tmp_path: Path) -> None:
    profiles = prepare(broker)
    with StreamWorkers(broker, tmp_path, count=2, flush_s=0.3, evaluate_s=0.5) as workers:
        workers.children[1].kill()
        traffic = Traffic(broker.bootstrap, EVENTS, tuple(profiles), SEED).start()
        wait_for_panes(broker)
        workers.children[0].stop(grace_s=30)
        assert "not_drained" not in workers.children[0].log_tail()
        before = _resumed(workers)
        workers.children[0].start()
        workers.children[1].start()
        wait_until(
            lambda: all(len(now) > len(old) for now, old in zip(_resumed(workers), before, strict=True)),
            60,
            "both workers to have partitions",
        )
        wait_for_equality(broker, PANES, workers, recounted(traffic.stop(), profiles), profiles)
        later = [line for now, old in zip(_resumed(workers), before, strict=True) for line in now[len(old) :]]
    assert any("next_offset=0" not in line for line in later), "nothing was recovered from the changelog"


def _resumed(workers: StreamWorkers) -> list[list[str]]:
    """What each worker said of partitions that it was given, in all its lives."""
    logs = [child.log_tail(1_000_000) for child in workers.children]
    return [[line for line in log.splitlines() if "counting.resumed" in line] for log in logs]


@pytest.mark.slow
def test_counting_goes_on_when_the_broker_comes_back(broker: Broker, tmp_path: Path) -> None:
    if not broker.keeps_data:
        pytest.skip("the embedded broker keeps nothing: `tidegate up` starts the workers anew with it")
    profiles = prepare(broker)
    with StreamWorkers(broker, tmp_path, count=2, flush_s=0.3, evaluate_s=0.5) as workers:
        traffic = Traffic(broker.bootstrap, EVENTS, tuple(profiles), SEED).start()
        wait_for_panes(broker)
        broker.restart()
        wait_until(lambda: traffic.acknowledged_since_now(2000), 60, "2,000 events acknowledged after the restart")
        wait_for_equality(broker, PANES, workers, recounted(traffic.stop(), profiles), profiles)
