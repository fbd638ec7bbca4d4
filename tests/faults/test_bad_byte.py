"""Bytes that nobody can read, in every topic at once: all that is valid is landed and counted, each bad one is told."""

import random
import time
from collections import Counter
from collections.abc import Set
from pathlib import Path

import pytest
from confluent_kafka import Producer

from gateway.events import encode_record
from storage.clickhouse.client import connect
from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from stream.alerting.set_aside import RULE
from stream.contracts import alerts, dead_letters
from stream.contracts.dead_letters import DeadLetter
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import embedded_broker
from tests.support.clickhouse import clickhouse_server
from tests.support.mutations import mutated
from tests.support.sink_samples import alert, moment, of_every_topic, unsealed
from tests.support.sinks import Landing, running_sink
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import announce, make_event, make_profile
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

LAYOUT = TopicLayout()
KNOWN = ("first", "second")
BAD = b'{"model": "caf\xe9"}'
COUNTED = (
    "SELECT deployment_id, argMax(events, (newest_ts, ts, events)) FROM service_metrics WHERE window = '24h' "
    "AND deployment_id IN ('first', 'second') GROUP BY deployment_id ORDER BY deployment_id"
)
LANDED = (
    "SELECT deployment_id, count(), uniqExact(event_id) FROM inference_events "
    "WHERE deployment_id IN ('first', 'second') GROUP BY deployment_id ORDER BY deployment_id"
)


def letters(landing: Landing, but: Set[bytes] = frozenset()) -> list[DeadLetter]:
    """That were written, but for these values: a mutant of a letter may still be a letter."""
    found = []
    for record in read_topic(landing.bootstrap, LAYOUT.name(Topic.DEAD_LETTERS)):
        if record.value in but:
            continue
        try:
            found.append(dead_letters.decode(record.value))
        except UNREADABLE:
            continue  # of a mutant that was told about
    return found


def fired(landing: Landing) -> list[str]:
    found = []
    for record in read_topic(landing.bootstrap, LAYOUT.name(Topic.ALERTS)):
        try:
            one = alerts.decode_alert(record.value)
        except UNREADABLE:
            continue
        if one.rule == RULE and one.state == "firing":
            found.append(one.series)
    return found


@pytest.mark.slow
def test_no_byte_in_any_topic_stops_anything(tmp_path: Path) -> None:
    dice = random.Random(11)
    now = time.time()
    bad: set[bytes] = set()
    made = [make_event(dice, number, KNOWN[number % 2], now) for number in range(400)]
    with embedded_broker() as broker, clickhouse_server(tmp_path / "data") as server:
        landing = Landing(broker.bootstrap, server.url, "badbyte", LAYOUT)
        ensure_topics(broker.bootstrap, LAYOUT)
        migrate(server.url, landing.database, Retention(events=30, metrics=180))
        _refuse_some_alerts(landing)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        for name in KNOWN:
            announce(producer, LAYOUT.name(Topic.DEPLOYMENTS), name, make_profile(name, 3))
        with (
            running_sink(landing) as sink,
            StreamWorkers(broker, tmp_path, count=1, flush_s=0.3, evaluate_s=0.5) as workers,
        ):
            for number in range(0, 400, 20):
                if number == 200:
                    bad = _send_bad(producer, dice, now)
                producer.produce(
                    LAYOUT.name(Topic.EVENTS), encode_record(made[number : number + 20]), partition=number // 20 % 2
                )
            assert producer.flush(30) == 0
            landing.send(
                Topic.ALERTS, [alerts.encode(alert(moment(now), name)) for name in ("good", "refused", "good2")]
            )
            wait_until(lambda: landing.rows(LANDED) == [(name, 200, 200) for name in KNOWN], 120, "the events", 1)
            wait_until(lambda: landing.rows(COUNTED) == [(name, 200) for name in KNOWN], 120, "the counts", 1)
            wait_until(lambda: LAYOUT.name(Topic.ALERTS) in fired(landing), 120, "the alert", 1)
            wait_until(lambda: sink.not_ready() is None, 60, "a sink without lag", 0.5)
            wait_until(lambda: _told(landing) >= _expected(), 60, "the letters", 1)
            assert workers.children[0].running
            assert workers.whole_log().count("consumer.resumes") < 4, "it was not started again and again"
        found = letters(landing, bad)
    same = Counter((one.reader, one.topic, one.partition, one.offset, one.line) for one in found)
    assert [key for key, times in same.items() if times > 1] == []
    assert all(one.reason and one.detail for one in found)


def _refuse_some_alerts(landing: Landing) -> None:
    client = connect(landing.dsn, landing.database)
    client.command("ALTER TABLE alerts ADD CONSTRAINT good CHECK model != 'refused'")
    client.close()


def _send_bad(producer: Producer, dice: random.Random, now: float) -> set[bytes]:
    """To every topic; what was sent."""
    sent = {BAD}
    for topic, valid in of_every_topic("mutant", now).items():
        mutants = [mutated([valid, unsealed(valid)], dice) for _ in range(10)]
        for value in (BAD, *mutants):
            producer.produce(LAYOUT.name(topic), value, partition=0)
        sent.update(mutants)
    return sent


def _told(landing: Landing) -> set[str]:
    """Topics whose bad byte has its letter."""
    return {
        one.topic
        for one in letters(landing)
        if dead_letters.letter_for(
            BAD,
            ts=0,
            topic="",
            partition=0,
            offset=0,
            line=0,
            reason=dead_letters.Reason.NOT_JSON,
            detail="",
            reader="",
        ).head
        == one.head
    }


def _expected() -> set[str]:
    """A letter about a letter would never end."""
    return {LAYOUT.name(topic) for topic in of_every_topic("mutant", 0.0)} - {LAYOUT.name(Topic.DEAD_LETTERS)}
