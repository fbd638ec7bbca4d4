"""One stream worker draining a filled topic, by the number of events in each record."""

import time
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import Producer

from benchmarks import stream_parts
from benchmarks.report import Figure, Table
from benchmarks.run import Run
from benchmarks.watching import Progress, metric, pin, split_cores, watch
from benchmarks.workload import DEPLOYMENT, Workload, fill
from stream.contracts.panes import Pane, decode
from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import Broker, embedded_broker
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import announce
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

SIZES = (1, 20, 200, 1000)
ALONE = "1 event a record"
EVENTS_TOTAL = "tidegate_stream_events_total"
DEADLINE_S = 120.0
PANES_S = 20.0


def measure(run: Run) -> Iterator[Table]:
    """The whole worker as a process, then its parts within this one."""
    drained = {size: [_drain(run, size, number) for number in range(run.repetitions)] for size in SIZES}
    yield Table(
        "One stream worker: inference.events to panes, 20 numeric features and a score",
        "`python -m tidegate.processes.stream_worker`, on one core, the embedded broker on the others, drains a topic "
        f"of {_events(run, 1):,} events (1 a record) or {_events(run, 200):,} (more a record) in 4 partitions, lz4. "
        "From the first events that its /metrics shows as counted to the last; rate = events between the two, by time "
        "and by the process's processor time. Every run then reads `feature.panes` and must find each event in them.",
        [
            *(_figure(size, "events/s", [one.per_second for one in drained[size]]) for size in SIZES),
            *(_figure(size, "events/CPU s", [one.per_cpu_second for one in drained[size]]) for size in SIZES),
        ],
    )
    yield stream_parts.measure(run)


def _figure(size: int, unit: str, values: list[float]) -> Figure:
    label = ALONE if size == 1 else f"{size} events a record"
    return Figure(label, tuple(values), unit, ALONE)


def _events(run: Run, size: int) -> int:
    return run.choose(15_000, 60_000) if size == 1 else run.choose(100_000, 600_000)


def _drain(run: Run, size: int, number: int) -> Progress:
    """On a broker of its own: what one run leaves in memory is no burden to the next."""
    folder = run.scratch / f"{size}-{number}"
    folder.mkdir()
    with embedded_broker() as broker:
        wanted = _fill(broker, _events(run, size), size)
        return _run_worker(broker, folder, wanted)


def _fill(broker: Broker, events: int, size: int) -> int:
    layout = TopicLayout()
    ensure_topics(broker.bootstrap, layout)
    workload = Workload()
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    announce(producer, layout.name(Topic.DEPLOYMENTS), DEPLOYMENT, workload.profile())
    records = list(workload.records(events, size, time.time()))
    fill(broker.bootstrap, layout.name(Topic.EVENTS), records, size, layout.event_partitions)
    return events


def _run_worker(broker: Broker, folder: Path, wanted: int) -> Progress:
    own, others = split_cores()
    pin(broker.pid, others)
    with StreamWorkers(broker, folder, 1) as workers:
        child = workers.children[0]
        pin(child.pid, own)  # before it has started other threads: they inherit it
        try:
            progress = watch(child.pid, lambda: metric(workers.monitor_port, EVENTS_TOTAL), wanted, DEADLINE_S)
            wait_until(lambda: _in_panes(broker) == wanted, PANES_S, f"panes of {wanted} events", 0.5)
        except (TimeoutError, AssertionError) as error:
            raise RuntimeError(f"the stream worker: {error}; its log ends: {child.log_tail()}") from error
    return progress


def _in_panes(broker: Broker) -> int:
    """Events that the newest records of all panes count."""
    newest: dict[tuple[int, int, int], Pane] = {}
    for record in read_topic(broker.bootstrap, TopicLayout().name(Topic.PANES)):
        pane = decode(record.value)
        key = (pane.partition, pane.start, pane.segment)
        if key not in newest or newest[key].as_of <= pane.as_of:
            newest[key] = pane
    return sum(pane.events for pane in newest.values())
