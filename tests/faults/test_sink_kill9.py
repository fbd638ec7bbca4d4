"""kill -9 of the sink and of ClickHouse under load, over the border of a day: each acknowledged event is there once."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from gateway.events import encode_record
from stream.contracts.topics import Topic
from tests.support.broker import embedded_broker
from tests.support.children import Child
from tests.support.clickhouse import RunningServer, start_clickhouse
from tests.support.ports import free_ports
from tests.support.sink_samples import event, moment
from tests.support.sinks import Landing, new_landing, sink_process
from tests.support.waiting import wait_until

SEED = 7
KILLS = ["clickhouse", "sink", "clickhouse", "sink"]
EVENTS_A_RECORD = 5
RECORDS_AT_ONCE, PAUSE_S = 10, 0.05
"""So that every insert, some 0.1 s apart, holds events of both days, and a kill strikes while others wait."""
MIDNIGHT = time.time() // 86_400 * 86_400


class Load:
    """Produces for as long as it runs: events of both sides of the last midnight in turn, over two partitions."""

    def __init__(self, landing: Landing) -> None:
        self.acknowledged: set[str] = set()
        self._topic = landing.layout.name(Topic.EVENTS)
        self._producer = Producer({"bootstrap.servers": landing.bootstrap, "enable.idempotence": True, "log_level": 0})
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        number = 0
        while not self._ending.is_set():
            for _ in range(RECORDS_AT_ONCE):
                self._send(number)
                number += 1
            self._producer.poll(0)
            self._ending.wait(PAUSE_S)

    def _send(self, number: int) -> None:
        stamp = MIDNIGHT - 1 if number % 2 else MIDNIGHT + 1
        names = [number * EVENTS_A_RECORD + index for index in range(EVENTS_A_RECORD)]
        value = encode_record([event(name, moment(stamp), "m") for name in names])

        def delivered(error: object, _message: object) -> None:
            if error is None:
                self.acknowledged.update(f"m-{name}" for name in names)

        self._producer.produce(
            self._topic, value, partition=number // 3 % 2, timestamp=int(stamp * 1000), on_delivery=delivered
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join(60)
            assert self._producer.flush(20) == 0


class Stack:
    """ClickHouse on a port that it keeps, and the sink."""

    def __init__(self, folder: Path, server: RunningServer, sink: Child) -> None:
        self.folder, self.server, self.sink = folder, server, sink

    def kill(self, name: str) -> None:
        if name == "sink":
            self.sink.kill()
            self.sink.start()
        else:
            self.server.kill()
            if self.server.process.stdout is not None:
                self.server.process.stdout.close()
            self.server = start_clickhouse(self.folder / "data", ["--port", str(self.server.port)])


@contextmanager
def _stack(folder: Path) -> Iterator[tuple[Landing, Stack]]:
    with embedded_broker() as broker:
        server = start_clickhouse(folder / "data")
        landing = new_landing(broker.bootstrap, server.url)
        stack = Stack(folder, server, sink_process(landing, folder, free_ports(1)[0]))
        stack.sink.start()
        try:
            yield landing, stack
        finally:
            stack.sink.kill()
            stack.server.kill()
            if stack.server.process.stdout is not None:
                stack.server.process.stdout.close()


def _stored(landing: Landing) -> int:
    return int(landing.rows("SELECT count() FROM inference_events")[0][0])


@pytest.mark.slow
def test_each_event_is_stored_once_through_kills(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    with _stack(tmp_path) as (landing, stack):
        load = Load(landing)
        with load.running():
            wait_until(lambda: _stored(landing) > 0, 20, "the first rows")
            for name in KILLS:
                time.sleep(rng.uniform(0.1, 0.8))  # a moment within an insert, a commit, a start: the seed's
                stack.kill(name)
                before = _stored(landing)
                wait_until(lambda before=before: _stored(landing) > before, 25, f"rows after kill -9 of {name}")  # type: ignore[misc]
        stack.sink.stop(grace_s=30)
        rows = landing.rows("SELECT count(), uniqExact(event_id) FROM inference_events")
        stored = {row[0] for row in landing.rows("SELECT event_id FROM inference_events")}
        days = landing.rows("SELECT uniqExact(toDate(ts)), uniqExact(_day) FROM inference_events")
    lost, log = load.acknowledged - stored, stack.sink.log_tail()
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} events are lost, such as {sorted(lost)[:3]}: {log}"
    assert rows == [(len(stored), len(stored))], f"some are there more than once: {log}"
    assert days == [(2, 2)], "the load must cross the border of a day"
