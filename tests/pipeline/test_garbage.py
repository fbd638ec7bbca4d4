"""Garbage in `inference.events` ends in `dead.letters` with a reason; good events beside it are counted."""

import base64
import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import Producer

from gateway.events import encode_record
from stream.contracts.dead_letters import DeadLetter, decode
from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import embedded_broker
from tests.support.recount import recounted, wait_for_equality
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import announce, make_event, make_profile
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

LAYOUT = TopicLayout()
EVENTS = LAYOUT.name(Topic.EVENTS)


def good_line(now: float) -> dict[str, object]:
    event: dict[str, object] = json.loads(encode_record([make_event(random.Random(1), 1, "known", now)]))
    return event


def garbage(now: float) -> dict[bytes, str]:
    good = good_line(now)
    return {
        b"\x00\xff\xfe not text": "not_json",
        b"{": "not_json",
        b"42": "wrong_type",
        json.dumps(good | {"status": "fine"}).encode(): "wrong_type",
        json.dumps(good | {"features": [1, 2]}).encode(): "wrong_type",
        json.dumps(good | {"prediction": float("nan")}).encode(): "not_finite",
        json.dumps(good | {"latency_ms": float("inf")}).encode(): "not_finite",
        json.dumps(good | {"deployment_id": "nobody"}).encode(): "unknown_deployment",
        json.dumps(good | {"ts": "2099-01-01T00:00:00.000000Z"}).encode(): "future_ts",
        json.dumps(good | {"ts": "1999-01-01T00:00:00.000000Z"}).encode(): "ancient_ts",
        b"x" * 10_000_000: "too_large",
    }


@pytest.mark.slow
def test_garbage_is_put_aside_with_its_reason_and_the_workers_live_on(tmp_path: Path) -> None:
    profiles = {"known": make_profile("known", 3)}
    with embedded_broker() as broker:
        ensure_topics(broker.bootstrap, LAYOUT)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "message.max.bytes": 12_000_000, "log_level": 0})
        announce(producer, LAYOUT.name(Topic.DEPLOYMENTS), "known", profiles["known"])
        with StreamWorkers(broker, tmp_path, count=1, flush_s=0.3, evaluate_s=0.5) as workers:
            now = time.time()
            rng = random.Random(5)
            events = [make_event(rng, number, "known", now) for number in range(40)]
            bad = garbage(now)
            for number, value in enumerate(bad):
                producer.produce(EVENTS, value, partition=0)
                producer.produce(EVENTS, encode_record(events[number : number + 1]), partition=0)
            mixed = [encode_record(events[11:20]), b"neither", encode_record(events[20:40])]
            producer.produce(EVENTS, b"\n".join(mixed), partition=1)
            assert producer.flush(20) == 0
            expected = Counter([*bad.values(), "not_json"])
            wait_until(lambda: Counter(x.reason for x in letters(broker.bootstrap)) == expected, 60, f"{expected}", 0.5)
            wait_for_equality(broker, LAYOUT.name(Topic.PANES), workers, recounted(events, profiles), profiles)
            assert workers.children[0].running
            found = letters(broker.bootstrap)
    in_the_middle = [x for x in found if x.partition == 1]
    assert [(x.line, base64.b64decode(x.head)) for x in in_the_middle] == [(9, b"neither")]
    huge = next(x for x in found if x.reason == "too_large")
    assert huge.size == 10_000_000
    assert len(base64.b64decode(huge.head)) == 4096
    assert all(x.detail and x.reader == "stream-worker-0" for x in found)


def letters(bootstrap: str) -> list[DeadLetter]:
    return [decode(record.value) for record in read_topic(bootstrap, LAYOUT.name(Topic.DEAD_LETTERS))]
