"""The sink on the embedded broker and ClickHouse: every topic lands, garbage does not stop it, each row is once."""

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from prometheus_client import REGISTRY

from gateway.events import encode_record
from storage.sink.config import TABLES
from storage.sink.position import DAY_MS, Claim
from storage.sink.service import Sink
from storage.sink.store import Store
from stream.contracts import alerts
from stream.contracts.topics import Topic
from tests.support.broker import embedded_broker
from tests.support.clickhouse import clickhouse_server
from tests.support.mutations import mutated
from tests.support.sink_samples import alert, event, moment, of_every_topic, unsealed
from tests.support.sinks import Landing, new_landing, running_sink
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

ABSURD = [-1, 1e308, 10**30, "9999-12-31T23:59:59.999999Z", "1583-01-01T00:00:00Z", "\x00", [], {"": None}]
"""Values that JSON takes; ClickHouse has an error of its own for each type that they do not fit."""
EVENTS = "SELECT event_id FROM inference_events WHERE model = {model:String} ORDER BY event_id"


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with embedded_broker() as broker:
        yield broker.bootstrap


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with clickhouse_server(Path(tmp_path_factory.mktemp("ch")) / "data") as server:
        yield server.url


@pytest.fixture(scope="module")
def landing(bootstrap: str, dsn: str) -> Iterator[Landing]:
    """One running sink for the tests that only send and look; each uses a model of its own."""
    made = new_landing(bootstrap, dsn)
    with running_sink(made):
        yield made


def _rejected(topic: Topic, reason: str) -> float:
    return REGISTRY.get_sample_value("tidegate_sink_rejected_total", {"topic": topic, "reason": reason}) or 0.0


def test_every_topic_lands(landing: Landing) -> None:
    now = time.time()
    for topic, value in of_every_topic("every", now).items():
        landing.send(topic, [value])
    for topic, table in TABLES.items():
        lines = 2 if topic in (Topic.EVENTS, Topic.DRIFT) else 1
        column = {"notifications": "alert_id", "dead_letters": "detail"}.get(table, "model")
        landing.wait_rows([(lines,)], f"SELECT count() FROM {table} WHERE startsWith({column}, 'every')")
    row = landing.rows(
        "SELECT ts, features, prediction, error, latency_ms, _partition FROM inference_events "
        "WHERE event_id = 'every-1'"
    )[0]
    assert moment(row[0].timestamp()) == moment(now)
    assert row[1] == {"price": "0.125", "day": "mon", "weekend": "true", "gap": None, "list": '[1,{"a":"x\'y"}]'}
    assert json.loads(row[2]) == {"label": "UP", "p": 0.75}
    assert row[3:] == (None, 1.5, 0)
    assert json.loads(landing.rows("SELECT profile FROM deployments WHERE model = 'every'")[0][0]) == {
        "id": "p1",
        "series": [{"name": "price"}],
    }


def test_what_the_intake_takes_lands_and_what_it_refuses_is_counted(landing: Landing) -> None:
    ts = moment(time.time())
    good = [encode_record([event(number, ts, "mixed")]) for number in range(4)]
    before = _rejected(Topic.EVENTS, "not_json"), _rejected(Topic.EVENTS, "ancient_ts")
    ancient = encode_record([event(9, "2001-01-01T00:00:00.000000Z", "mixed")])
    landing.send(Topic.EVENTS, [good[0], b"\xff\xfe", good[1] + b"\n{\n" + good[2], ancient, b"", good[3]])
    landing.wait_rows([(f"mixed-{number}",) for number in range(4)], EVENTS, model="mixed")

    def refused() -> bool:
        after = _rejected(Topic.EVENTS, "not_json"), _rejected(Topic.EVENTS, "ancient_ts")
        return (after[0] - before[0], after[1] - before[1]) == (2, 1)

    wait_until(refused, 5, "two lines that are no JSON and an ancient one, counted once their batch has landed")


def test_ten_megabytes_of_garbage_stop_nothing(landing: Landing) -> None:
    ts = moment(time.time())
    landing.send(Topic.EVENTS, [b"x" * 10_000_000, encode_record([event(0, ts, "large")])])
    landing.wait_rows([("large-0",)], EVENTS, model="large")


def test_garbage_of_other_topics_becomes_dead_letters_and_the_rest_lands(landing: Landing) -> None:
    ts = moment(time.time())
    good = of_every_topic("letters", time.time())[Topic.ALERTS]
    old = unsealed(good)
    refused = old.replace(ts[:4].encode(), b"year", 1).replace(b'"version":1', b'"version":"one"')
    other = good.replace(b'"n":100', b'"n":900')
    landing.send(Topic.ALERTS, [b"?", good, refused, b"[1]\n" + old.replace(b"a1-firing", b"a1-resolved"), other])
    landing.wait_rows(
        [("letters-a1-firing",), ("letters-a1-resolved",)],
        "SELECT change_id FROM alerts WHERE model = 'letters' ORDER BY change_id",
    )
    topic = landing.layout.name(Topic.ALERTS)
    landing.wait_rows(
        [("not_json", 0), ("refused_by_clickhouse", 0), ("wrong_checksum", 0), ("wrong_type", 0)],
        "SELECT reason, line FROM dead_letters WHERE topic = {topic:String} AND reader = 'sink' ORDER BY reason",
        topic=topic,
    )


@pytest.mark.parametrize("topic", [topic for topic in TABLES if topic is not Topic.EVENTS], ids=str)
def test_no_value_of_any_field_stops_what_follows_it(landing: Landing, topic: Topic) -> None:
    now = time.time()
    (good,) = of_every_topic("absurd", now)[topic].split(b"\n")[:1]
    fields = msgspec.json.decode(unsealed(good))
    spoilt = [msgspec.json.encode({**fields, name: value}) for name in fields for value in ABSURD]
    dice = random.Random(f"garbled {topic}")
    landing.send(topic, [*spoilt, *(mutated([good, unsealed(good)], dice) for _ in range(60))])
    landing.send(topic, [of_every_topic(f"after-{topic}", now)[topic]])
    column = "detail" if topic is Topic.DEAD_LETTERS else "model"
    of_alert = topic is Topic.NOTIFICATIONS
    which = f"alert_id = 'after-{topic}-a1'" if of_alert else f"{column} = 'after-{topic}'"
    wait_until(lambda: landing.rows(f"SELECT 1 FROM {TABLES[topic]} WHERE {which}"), 120, "what follows", every_s=0.2)


def test_what_looks_for_garbage_keeps_no_other_topic_waiting(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    refused = Store.refused

    def slow(store: Store, table: str, lines: Sequence[bytes]) -> list[int]:
        assert found.wait(60)
        return refused(store, table, lines)

    monkeypatch.setattr(Store, "refused", slow)
    try:
        for topic in (Topic.ALERTS, Topic.DRIFT, Topic.SERVICE, Topic.NOTIFICATIONS):
            landing.send(topic, [b'{"ts":"no time"}'])
        landing.send(Topic.EVENTS, [encode_record([event(0, moment(time.time()), "beside")])])
        landing.wait_rows([("beside-0",)], EVENTS, model="beside")
    finally:
        found.set()


def test_garbage_in_dead_letters_is_counted_only(landing: Landing) -> None:
    before = _rejected(Topic.DEAD_LETTERS, "not_json"), _rejected(Topic.DEAD_LETTERS, "refused_by_clickhouse")
    landing.send(Topic.DEAD_LETTERS, [b"?", b'{"offset":"x"}'])
    wait_until(
        lambda: (
            (_rejected(Topic.DEAD_LETTERS, "not_json"), _rejected(Topic.DEAD_LETTERS, "refused_by_clickhouse"))
            == (before[0] + 1, before[1] + 1)
        ),
        20,
        "both to be counted",
    )
    topic = landing.layout.name(Topic.DEAD_LETTERS)
    assert landing.rows("SELECT count() FROM dead_letters WHERE topic = {topic:String}", topic=topic) == [(0,)]


def test_an_insert_is_one_part(landing: Landing) -> None:
    ts = [moment(time.time() - days * 86_400) for days in range(3)]
    landing.send(Topic.EVENTS, [encode_record([event(n, ts[n % 3], "parts") for n in range(3000)])])
    landing.wait_rows([(3000,)], "SELECT count() FROM inference_events WHERE model = 'parts'")
    rows = landing.rows(
        "SELECT count(), uniqExact(_last_offset), uniqExact(_partition_id) FROM "
        "(SELECT _last_offset, _partition_id FROM inference_events WHERE model = 'parts' GROUP BY ALL)"
    )
    assert rows == [(1, 1, 1)]


def test_stopping_lands_what_stands_in_the_topics_and_starting_lands_nothing_twice(bootstrap: str, dsn: str) -> None:
    made = new_landing(bootstrap, dsn)
    ts = moment(time.time())
    with running_sink(made):
        for partition in range(2):
            made.send(Topic.EVENTS, [encode_record([event(n * 2 + partition, ts, "m")]) for n in range(500)], partition)
    counted = "SELECT count(), uniqExact(event_id) FROM inference_events"
    assert made.rows(counted) == [(1000, 1000)]
    with running_sink(made):
        made.send(Topic.EVENTS, [encode_record([event(5000, ts, "m")])])
    assert made.rows(counted) == [(1001, 1001)]


def test_topics_that_were_made_again_under_a_running_sink_land_from_their_start(dsn: str) -> None:
    """The embedded broker forgets everything when it is killed. Offsets of before mean other records then."""
    ts = moment(time.time())
    with embedded_broker() as broker:
        made = new_landing(broker.bootstrap, dsn)
        with running_sink(made) as sink:
            made.send(Topic.EVENTS, [encode_record([event(n, ts, "first")]) for n in range(3)])
            made.wait_rows([(3,)], "SELECT count() FROM inference_events")
            broker.restart()
            ensure_topics(broker.bootstrap, made.layout)
            made.send(Topic.EVENTS, [encode_record([event(n, ts, "second")]) for n in range(5)])
            made.wait_rows(
                [("first", 3, 1), ("second", 5, 1)],
                "SELECT model, uniqExact(event_id), uniqExact(_topic_id) FROM inference_events GROUP BY 1 ORDER BY 1",
            )
            wait_until(lambda: sink.not_ready() is None, 20, "the sink to be ready again")
        assert made.rows("SELECT count(), uniqExact(_topic_id) FROM inference_events") == [(8, 2)]


def test_of_two_inserts_from_one_position_one_lands(bootstrap: str, dsn: str) -> None:
    """A sink that was thought dead inserts a longer or shorter batch than its successor."""
    made = new_landing(bootstrap, dsn)
    store = Store(made.dsn, made.database)
    lines = [encode_record([event(n, moment(time.time()), "m")]) for n in range(10)]
    day = int(time.time() * 1000) // DAY_MS
    store.insert("inference_events", Claim("t", "id", 0, None, day), 0, 3, b"\n".join(lines[:4]))
    store.insert("inference_events", Claim("t", "id", 0, None, day), 0, 7, b"\n".join(lines[:8]))
    assert store.position("inference_events", "id", 0) == 4
    store.insert("inference_events", Claim("t", "id", 0, 4, day), 4, 9, b"\n".join(lines[4:]))
    store.insert("inference_events", Claim("t", "id", 0, 4, day), 4, 4, lines[4])
    assert store.position("inference_events", "id", 0) == 10
    assert made.rows("SELECT count(), uniqExact(event_id) FROM inference_events") == [(10, 10)]
    assert store.position("inference_events", "id", 1) is None
    store.close()


@pytest.mark.parametrize("newest", [99, 2**64 - 1])
def test_a_table_that_is_ahead_of_its_topic_is_said_loudly(bootstrap: str, dsn: str, newest: int) -> None:
    made = new_landing(bootstrap, dsn)
    with running_sink(made):
        made.send(Topic.ALERTS, [of_every_topic("m", time.time())[Topic.ALERTS]])
        made.wait_rows([(1,)], "SELECT count() FROM alerts")
    topic_id = str(made.rows("SELECT any(_topic_id) FROM alerts")[0][0])
    store = Store(made.dsn, made.database)
    claim = Claim("t", topic_id, 0, 1, int(time.time() * 1000) // DAY_MS)
    store.insert("alerts", claim, 1, newest, alerts.encode(alert(moment(time.time()), "m")))
    store.close()
    sink = Sink(made.config)
    thread = threading.Thread(target=sink.run)
    thread.start()
    try:
        wait_until(lambda: "but the topic ends at 1" in (sink.not_ready() or ""), 30, "the sink to say so")
        sent = encode_record([event(0, moment(time.time()), "m")])
        made.send(Topic.EVENTS, [sent])
        made.wait_rows([("m-0",)], EVENTS, model="m")
    finally:
        sink.stop()
        thread.join(60)
