"""Events a second from a filled topic into ClickHouse by the sink, beside bare inserts of the same bytes."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Figure, Table
from benchmarks.run import Run
from benchmarks.watching import Progress, cpu_seconds, is_ready, metric, watch
from benchmarks.workload import Workload, fill
from storage.clickhouse.client import connect
from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from storage.sink.config import SinkConfig
from storage.sink.landing import INSERT_SETTINGS
from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import embedded_broker
from tests.support.children import Child
from tests.support.clickhouse import clickhouse_server
from tests.support.ports import free_port_range
from tests.support.runners import REPOSITORY
from tidegate.backends.topics import ensure_topics

PER_RECORD = 200
FEATURES = (5, 20)
DEADLINE_S = 120.0
BARE = "bare inserts"
CLICKHOUSE_CPU = "events/CPU s of ClickHouse"
TABLE = "inference_events"
KEPT = Retention(events=36_500, metrics=36_500)
"""Days. Rows of bare inserts have the column that retention goes by at its default, the year 1970."""
COLUMNS = (
    "SELECT name FROM system.columns WHERE database = 'bare' AND table = 'inference_events' AND name NOT LIKE '\\_%'"
)
COUNT = "SELECT count(), uniqExact(event_id) FROM inference_events"
ROWS_LANDED = f'tidegate_sink_rows_total{{topic="{Topic.EVENTS.value}"}}'


def measure(run: Run) -> Iterator[Table]:
    """One table for few features, one for many."""
    events = run.choose(60_000, 600_000)
    for features in FEATURES:
        found = [_measure_once(run.scratch / f"{features}-{i}", features, events) for i in range(run.repetitions)]
        yield Table(
            f"Sink: events with {features} numeric features into the embedded ClickHouse",
            f"`python -m tidegate.processes.sink` from a topic of {events:,} events, {PER_RECORD} a record, in 4 "
            "partitions, lz4: from the moment at which it is ready until its /metrics shows all of them as landed. By "
            "processor time: of the sink in that time, and of ClickHouse from the sink's start to its end. `bare "
            "inserts`: the same bytes, in bodies of the size of the sink's largest batch, as INSERT … FORMAT "
            "JSONEachRow into the same table of another database, with the sink's settings, by as many threads; no "
            "Kafka, nothing decoded, nothing asked back. Rows of both are counted in ClickHouse afterwards.",
            [
                Figure("sink", tuple(one.landed.per_second for one in found), "events/s", BARE),
                Figure(BARE, tuple(events / one.bare_s for one in found), "events/s"),
                Figure("sink", tuple(one.landed.per_cpu_second for one in found), "events/CPU s of the sink"),
                Figure("sink", tuple(events / one.sink_cpu_s for one in found), CLICKHOUSE_CPU, BARE),
                Figure(BARE, tuple(events / one.bare_cpu_s for one in found), CLICKHOUSE_CPU),
            ],
        )


@dataclass(frozen=True)
class Found:
    """Of one repetition."""

    landed: Progress
    sink_cpu_s: float
    """Of ClickHouse, while the sink landed."""
    bare_s: float
    bare_cpu_s: float


def _measure_once(folder: Path, features: int, events: int) -> Found:
    folder.mkdir()
    records = list(Workload(features).records(events, PER_RECORD, time.time()))
    with clickhouse_server(folder / "clickhouse") as server:
        for database in ("landed", "bare"):
            migrate(server.url, database, KEPT)
        idle = cpu_seconds(server.process.pid)
        progress = _land(folder, server.url, records, events)
        landed = cpu_seconds(server.process.pid)
        _verify(server.url, "landed", events)
        before = cpu_seconds(server.process.pid)
        seconds = _insert(server.url, records)
        inserted = cpu_seconds(server.process.pid)
        _verify(server.url, "bare", events)
    return Found(progress, landed - idle, seconds, inserted - before)


def _land(folder: Path, dsn: str, records: Sequence[bytes], events: int) -> Progress:
    with embedded_broker() as broker:
        layout = TopicLayout()
        ensure_topics(broker.bootstrap, layout)
        fill(broker.bootstrap, layout.name(Topic.EVENTS), records, PER_RECORD, layout.event_partitions)
        port = free_port_range(2)
        env = {
            "TIDEGATE_HOME": str(folder),
            "TIDEGATE_KAFKA_BOOTSTRAP": broker.bootstrap,
            "TIDEGATE_CLICKHOUSE_URL": dsn,
            "TIDEGATE_CLICKHOUSE_DATABASE": "landed",
            "TIDEGATE_MONITOR_PORT": str(port),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
        }
        sink = Child([sys.executable, "-m", "tidegate.processes.sink"], folder, "sink", env)
        try:
            sink.start()
            return watch(sink.pid, lambda: metric(port, ROWS_LANDED), events, DEADLINE_S, lambda: is_ready(port))
        except TimeoutError as error:
            raise RuntimeError(f"the sink: {error}; its log ends: {sink.log_tail()}") from error
        finally:
            sink.stop()


def _insert(dsn: str, records: Sequence[bytes]) -> float:
    config = SinkConfig("", dsn, "bare", TopicLayout())
    bodies = list(_bodies(records, config.batch_bytes))
    client = connect(dsn, "bare")
    names = [name for (name,) in client.query(COLUMNS).result_rows]

    def insert(body: bytes) -> None:
        client.raw_insert(TABLE, names, body, settings=INSERT_SETTINGS, fmt="JSONEachRow")

    try:
        with ThreadPoolExecutor(config.insert_threads) as pool:
            began = time.perf_counter()
            list(pool.map(insert, bodies))
            return time.perf_counter() - began
    finally:
        client.close()


def _bodies(records: Sequence[bytes], size: int) -> Iterator[bytes]:
    gathered: list[bytes] = []
    held = 0
    for record in records:
        gathered.append(record)
        held += len(record)
        if held >= size:
            yield b"\n".join(gathered)
            gathered, held = [], 0
    if gathered:
        yield b"\n".join(gathered)


def _verify(dsn: str, database: str, events: int) -> None:
    client = connect(dsn, database)
    try:
        ((rows, ids),) = client.query(COUNT).result_rows
    finally:
        client.close()
    if (rows, ids) != (events, events):
        raise RuntimeError(f"{database}: {rows:,} rows of {ids:,} events where {events:,} were sent")
