"""Damaged values in each changelog of real workers: they come up, count exactly, and tell of each."""

import random
from collections import defaultdict
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import Producer

from stream.alerting.set_aside import RULE
from stream.contracts import dead_letters
from stream.contracts.alerts import decode_alert
from stream.contracts.topics import StateTable, Topic, TopicLayout
from stream.exact.sealing import HEADER
from tests.faults.test_stream_kill9 import in_day_window
from tests.support.broker import BROKERS, KAFKA_HOME, Broker
from tests.support.mutations import mutated
from tests.support.recount import recounted, wait_for_equality
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import Traffic, announce, make_profile
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

LAYOUT = TopicLayout()
SEED = 7
CHANGELOGS = {table: LAYOUT.changelog(table).name for table in StateTable}
PER_SECOND = 400
"""Events: enough for panes to close all the time, and soon counted again at the end."""
RESUMES = 12
"""Three starts, and a rebalance or two each."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", "apache"])
def test_workers_go_on_exactly_whatever_became_of_their_state(kind: str, tmp_path: Path) -> None:
    if kind == "apache" and not KAFKA_HOME:
        pytest.skip("KAFKA_HOME names no installation of Apache Kafka")
    with cast(AbstractContextManager[Broker], BROKERS[kind](tmp_path)) as broker:
        damage_and_compare(broker, tmp_path)


def damage_and_compare(broker: Broker, folder: Path) -> None:
    dice = random.Random(SEED)
    ensure_topics(broker.bootstrap, LAYOUT)
    profiles = {name: make_profile(name, SEED) for name in ("first", "second", "third")}
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for name, profile in profiles.items():
        announce(producer, LAYOUT.name(Topic.DEPLOYMENTS), name, profile)
    with StreamWorkers(broker, folder, count=1, flush_s=0.3, evaluate_s=0.5) as workers:
        traffic = Traffic(broker.bootstrap, LAYOUT.name(Topic.EVENTS), tuple(profiles), SEED, PER_SECOND).start()
        wait_until(lambda: in_day_window(broker).keys() == profiles.keys(), 60, "the first evaluations")
        workers.drain()
        for round_ in range(2):
            done = damage(broker, producer, dice)
            workers.children[0].start()
            wait_until(lambda wanted=done: wanted <= told(broker), 90, f"the letters of {done}", 1)  # type: ignore[misc]
            if round_ == 0:
                workers.drain()
        expected = recounted(traffic.stop(), profiles)
        wait_for_equality(broker, LAYOUT.name(Topic.PANES), workers, expected, profiles)
        windows = {name: sum(c.events for key, c in expected.items() if key[0] == name) for name in profiles}
        wait_until(lambda: in_day_window(broker) == windows, 60, f"24 h windows of {windows}", every_s=1.0)
        wait_until(lambda: set(CHANGELOGS.values()) <= fired(broker), 60, "the alerts", 1)
        assert workers.children[0].running
        assert workers.whole_log().count("consumer.resumes") <= RESUMES, "it was not started again and again"


def damage(broker: Broker, producer: Producer, dice: random.Random) -> set[tuple[str, int, int]]:
    """Write a mutant over the furthest value of each changelog partition, and over a slot; where they stand then."""
    chosen = set()
    for table, topic in CHANGELOGS.items():
        held: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        for record in read_topic(broker.bootstrap, topic):
            if record.value and record.key:
                held[record.partition][record.key] = record.value
        for partition, values in held.items():
            candidates = [max(values, key=lambda key: HEADER.unpack_from(values[key])[1])]
            candidates += [key for key in values if b"slot|" in key][:1] if table is StateTable.WINDOWS else []
            for key in candidates:
                mutant = mutated([values[key]], dice)
                if mutant and mutant != values[key]:
                    producer.produce(topic, mutant, key=key, partition=partition)
                    chosen.add((topic, partition, key, mutant))
    assert producer.flush(30) == 0
    return {
        (topic, record.partition, record.offset)
        for topic in CHANGELOGS.values()
        for record in read_topic(broker.bootstrap, topic)
        if (topic, record.partition, record.key, record.value) in chosen
    }


def told(broker: Broker) -> set[tuple[str, int, int]]:
    letters = [dead_letters.decode(one.value) for one in read_topic(broker.bootstrap, LAYOUT.name(Topic.DEAD_LETTERS))]
    return {(one.topic, one.partition, one.offset) for one in letters if one.reason == "set_aside"}


def fired(broker: Broker) -> set[str]:
    found = [decode_alert(one.value) for one in read_topic(broker.bootstrap, LAYOUT.name(Topic.ALERTS))]
    return {one.series for one in found if one.rule == RULE}
