"""A sink of its own for a test: a prefix of topics, a database, and the sink in a thread or as a process."""

import functools
import os
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.exceptions import Error
from confluent_kafka import Producer
from urllib3.exceptions import HTTPError

from storage.clickhouse.client import connect
from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from storage.sink.config import SinkConfig
from storage.sink.service import Sink
from stream.contracts.topics import Topic, TopicLayout
from tests.support.children import Child
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Landing:
    """Topics and tables that nobody else uses."""

    bootstrap: str
    dsn: str
    database: str
    layout: TopicLayout

    @property
    def config(self) -> SinkConfig:
        return SinkConfig(
            bootstrap=self.bootstrap,
            clickhouse_dsn=self.dsn,
            database=self.database,
            layout=self.layout,
            group=f"sink-{self.database}",
            flush_s=0.1,
            drain_s=20,
        )

    def rows(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        try:
            found = _client(self.dsn, self.database).query(sql, parameters=parameters)
        except (Error, HTTPError):  # of a server that was killed meanwhile; the next one may have its port
            _client.cache_clear()
            found = _client(self.dsn, self.database).query(sql, parameters=parameters)
        return [tuple(row) for row in found.result_rows]

    def send(self, topic: Topic, values: Sequence[bytes], partition: int = 0) -> None:
        """Produce and wait for the acknowledgements."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "enable.idempotence": True,
                "message.max.bytes": self.layout.max_record_bytes,
                "log_level": 0,
            }
        )
        for value in values:
            producer.produce(self.layout.name(topic), value, partition=partition)
        assert producer.flush(20) == 0

    def wait_rows(self, expected: object, sql: str, **parameters: object) -> None:
        wait_until(lambda: self.rows(sql, **parameters) == expected, 20, f"{expected} from {sql}", every_s=0.1)


@functools.cache
def _client(dsn: str, database: str) -> Any:
    """Kept: connecting costs as much as ten queries, and waits ask again and again."""
    return connect(dsn, database)


def new_landing(bootstrap: str, dsn: str) -> Landing:
    """Make topics and tables."""
    name = f"t{uuid.uuid4().hex[:8]}"
    layout = TopicLayout(prefix=f"{name}.", event_partitions=2, metric_partitions=1)
    ensure_topics(bootstrap, layout)
    migrate(dsn, name, Retention(events=30, metrics=180))
    return Landing(bootstrap, dsn, name, layout)


@contextmanager
def running_sink(landing: Landing) -> Iterator[Sink]:
    """A sink in a thread, drained at the end."""
    sink = Sink(landing.config)
    drained: list[bool] = []
    thread = threading.Thread(target=lambda: drained.append(sink.run()), daemon=True)
    thread.start()
    try:
        wait_until(lambda: sink.not_ready() is None, 30, "the sink to be ready")
        yield sink
    finally:
        sink.stop()
        thread.join(40)
    assert drained == [True]


def sink_process(landing: Landing, folder: Path, monitor_port: int) -> Child:
    """The real process, not yet started."""
    env = {
        "TIDEGATE_KAFKA_BOOTSTRAP": landing.bootstrap,
        "TIDEGATE_CLICKHOUSE_URL": landing.dsn,
        "TIDEGATE_CLICKHOUSE_DATABASE": landing.database,
        "TIDEGATE_TOPIC_PREFIX": landing.layout.prefix,
        "TIDEGATE_MONITOR_PORT": str(monitor_port),
        "TIDEGATE_SINK_FLUSH_S": "0.1",
        "TIDEGATE_HOME": str(folder),
        "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    return Child([sys.executable, "-m", "tidegate.processes.sink"], folder, "sink", env)
