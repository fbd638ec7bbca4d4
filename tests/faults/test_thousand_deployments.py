"""A thousand deployments come and go: what is kept is that of the living, and every alert is resolved, once."""

import random
import time
import urllib.request
from collections import defaultdict
from pathlib import Path

import msgspec
import psutil
import pytest
from confluent_kafka import Producer

from gateway.events import encode_record
from stream.contracts import dead_letters
from stream.contracts.alerts import Alert, decode_alert
from stream.contracts.deployments import DeploymentRecord, change_key, encode
from stream.contracts.metrics import decode_service
from stream.contracts.timestamps import to_text
from stream.contracts.topics import StateTable, Topic, TopicLayout
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile
from tests.support.broker import Broker, embedded_broker
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import announce, make_event
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

LAYOUT = TopicLayout()
DEAD = [f"dead-{number}" for number in range(1000)]
LIVING = [f"living-{number}" for number in range(10)]
REASON = "version 2 took its place"
MOST_MORE_MB = 60.0
"""Above what a worker has that never knew of any but the living: Python gives freed memory back in its own time."""


@pytest.mark.slow
def test_a_thousand_deployments_that_ended_leave_nothing_behind(tmp_path: Path) -> None:
    with embedded_broker() as broker:
        ensure_topics(broker.bootstrap, LAYOUT)
        with StreamWorkers(broker, tmp_path, count=1, flush_s=0.3, evaluate_s=0.5) as workers:
            _come_and_go(broker, workers)


def _come_and_go(broker: Broker, workers: StreamWorkers) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    profile = build_profile({"a": [1.0, 2.0, 3.0]}, model="m", version=1)
    _enter(producer, LIVING, profile)
    wait_until(lambda: _kept(workers)["windows"] == len(LIVING), 40, "windows of the living")
    alone = _memory_mb(workers)

    _enter(producer, DEAD, profile)
    wait_until(lambda: len(_alerts(broker, "firing")) == len(LIVING) + len(DEAD), 60, "an alert of each", every_s=1.0)
    _leave(producer, DEAD)
    wait_until(lambda: _alerts(broker, "resolved"), 30, "the first alert to be resolved")
    workers.restart(0)
    wait_until(lambda: _left(workers) == _of_the_living(), 60, "nothing but the living")
    _check_alerts(broker)

    before = {alert.change_id for alert in _all_alerts(broker)}
    measured = len(_measured(broker))
    _send(producer, DEAD[:3])
    _send(producer, LIVING)
    wait_until(lambda: len(_letters(broker)) == 3 * 40, 20, "letters about events of the dead")
    wait_until(lambda: set(_measured(broker)[measured:]) == set(LIVING), 20, "evaluations of the living", every_s=0.5)
    assert {alert.change_id for alert in _all_alerts(broker)} == before, "nothing is told anew"
    assert _memory_mb(workers) < alone + MOST_MORE_MB
    _check_changelogs(broker)


def _enter(producer: Producer, names: list[str], profile: Profile) -> None:
    for name in names:
        announce(producer, LAYOUT.name(Topic.DEPLOYMENTS), name, profile)
    _send(producer, names)


def _send(producer: Producer, names: list[str]) -> None:
    """So many failures that the rule about them fires."""
    rng, now = random.Random(7), time.time()
    for number, name in enumerate(names):
        events = [make_event(rng, i, name, now) for i in range(40)]
        failed = [msgspec.structs.replace(event, status=500, error="runner_failed") for event in events]
        producer.produce(LAYOUT.name(Topic.EVENTS), encode_record(failed), partition=number % 4)
    assert producer.flush(20) == 0


def _leave(producer: Producer, names: list[str]) -> None:
    for name in names:
        record = DeploymentRecord(
            deployment_id=name,
            workspace="default",
            model=name,
            version=1,
            ts=to_text(time.time()),
            action="retired",
            reason=REASON,
        )
        producer.produce(LAYOUT.name(Topic.DEPLOYMENTS), encode(record), key=change_key(name))
        assert producer.flush(10) == 0


def _kept(workers: StreamWorkers) -> dict[str, int]:
    """What the worker says that it keeps; zeros where it does not answer."""
    found: dict[str, int] = defaultdict(int)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{workers.monitor_port}/metrics", timeout=60) as answer:
            text = answer.read().decode()
    except OSError:
        return found
    for line in text.splitlines():
        if line.startswith("tidegate_stream_kept{"):
            found[line.split('"')[1]] = int(float(line.rsplit(" ", 1)[1]))
    return found


def _left(workers: StreamWorkers) -> dict[str, int]:
    return {kind: _kept(workers)[kind] for kind in ("deployments", "windows", "alerts")}


def _of_the_living() -> dict[str, int]:
    return dict.fromkeys(("deployments", "windows", "alerts"), len(LIVING))


def _memory_mb(workers: StreamWorkers) -> float:
    return float(psutil.Process(workers.children[0].pid).memory_info().rss / 1e6)


def _alerts(broker: Broker, state: str) -> set[str]:
    return {alert.change_id for alert in _all_alerts(broker) if alert.state == state}


def _all_alerts(broker: Broker) -> list[Alert]:
    return [decode_alert(record.value) for record in read_topic(broker.bootstrap, LAYOUT.name(Topic.ALERTS))]


def _check_alerts(broker: Broker) -> None:
    """Whatever the kill made to be written twice: one firing and one resolution of each, of the dead alone."""
    changes: dict[str, dict[str, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for record in read_topic(broker.bootstrap, LAYOUT.name(Topic.ALERTS)):
        alert = decode_alert(record.value)
        changes[alert.deployment_id][alert.state].add(alert.change_id.encode())
        if alert.state == "resolved":
            assert alert.resolution == REASON
    assert {name: {state: len(ids) for state, ids in found.items()} for name, found in changes.items()} == {
        **{name: {"firing": 1, "resolved": 1} for name in DEAD},
        **{name: {"firing": 1} for name in LIVING},
    }


def _letters(broker: Broker) -> list[dead_letters.DeadLetter]:
    found = read_topic(broker.bootstrap, LAYOUT.name(Topic.DEAD_LETTERS))
    letters = [dead_letters.decode(record.value) for record in found]
    assert {letter.reason for letter in letters} <= {"ended_deployment"}, letters[:3]
    assert all(REASON in letter.detail for letter in letters)
    return letters


def _measured(broker: Broker) -> list[str]:
    """The deployment of each evaluation, in the order of the records of a partition."""
    records = read_topic(broker.bootstrap, LAYOUT.name(Topic.SERVICE))
    lines = [(metric.ts, metric.deployment_id) for record in records for metric in decode_service(record.value)]
    return [name for _, name in sorted(lines)]


def _check_changelogs(broker: Broker) -> None:
    """What compaction leaves of them names the living and nobody else."""
    for table in StateTable:
        newest = {}
        for record in read_topic(broker.bootstrap, LAYOUT.changelog(table).name):
            newest[record.key] = record.value
        left = b"".join((key or b"") + value for key, value in newest.items() if value)
        assert b"dead-" not in left, table
