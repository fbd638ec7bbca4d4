"""The parts of the stream worker's hot path, in this process, without Kafka."""

import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import Figure, Table
from benchmarks.run import Run
from benchmarks.workload import DEPLOYMENT, Workload
from stream.config import StreamConfig
from stream.contracts.identity import Identity
from stream.contracts.panes import encode
from stream.contracts.topics import TopicLayout
from stream.histograms.binning import Binner
from stream.intake.events import Record, read_records
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter

PER_RECORD = 200
LABELS = ("decode (read_records)", "count (PartitionCounter.add)", "panes and state, once a batch")
Batch = list[Record]


def measure(run: Run) -> Table:
    """µs an event, in batches as the worker makes them."""
    layout = TopicLayout()
    size = StreamConfig("", layout, Path()).batch_bytes // layout.event_partitions
    batches = _batches(run.choose(20_000, 60_000), size)
    events = sum(record.value.count(b"\n") + 1 for batch in batches for record in batch)
    rounds = [_round(batches, events) for _ in range(run.choose(5, 15))]
    return Table(
        "The stream worker's parts: microseconds an event",
        f"In one process, without Kafka: {events:,} events with 20 numeric features, {PER_RECORD} a record, in batches "
        f"of {size // 1000} kB as the worker makes them of each of {layout.event_partitions} partitions; {len(rounds)} "
        "rounds. `panes and state` is `changed`, the panes' encoding and `pack`; the worker does it once a "
        "second, not as here once a batch.",
        [Figure(label, tuple(one[i] for one in rounds), "µs/event", LABELS[0]) for i, label in enumerate(LABELS)],
    )


def _batches(events: int, size: int) -> list[Batch]:
    now = time.time()
    batches: list[Batch] = [[]]
    gathered = 0
    for offset, value in enumerate(Workload().records(events, PER_RECORD, now)):
        if gathered >= size:
            batches.append([])
            gathered = 0
        batches[-1].append(Record(offset, int(now * 1000), value))
        gathered += len(value)
    return batches


def _round(batches: list[Batch], events: int) -> tuple[float, ...]:
    profile = Workload().profile()
    identity = Identity("default", DEPLOYMENT, 1, DEPLOYMENT)
    targets = {DEPLOYMENT: Target(identity, profile.id, Binner(profile), profile.size, 0)}
    counter = PartitionCounter("topic", 0)
    parts = [_batch(counter, batch, targets) for batch in batches]
    return tuple(sum(one[i] for one in parts) / events * 1e6 for i in range(len(LABELS)))


def _batch(counter: PartitionCounter, batch: Batch, targets: Mapping[str, Target]) -> tuple[float, float, float]:
    """Seconds for each part."""
    began = time.perf_counter()
    intake = read_records(batch)
    decoded = time.perf_counter()
    counter.add(intake.events, intake.offsets, batch[-1].offset, targets)
    counted = time.perf_counter()
    changed = counter.changed()
    counter.count_as_sent()
    for pane in changed:
        encode(pane)
    counter.acknowledge(changed)
    counter.pack()
    return decoded - began, counted - decoded, time.perf_counter() - counted
