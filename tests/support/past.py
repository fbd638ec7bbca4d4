"""Traffic of topics that are no more, as far as it landed: events and panes of two incarnations, cut anywhere."""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

import msgspec
import numpy as np
import pytest

from gateway.events import InferenceEvent, encode_record
from storage.sink.config import TABLES
from storage.sink.position import DAY_MS, Claim
from storage.sink.store import Store
from stream.contracts.identity import Identity
from stream.contracts.panes import PANE_SECONDS, Pane, encode
from stream.contracts.timestamps import to_seconds, to_text
from stream.contracts.topics import Topic
from stream.histograms.binning import Binner
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.panes.totals import Totals
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile
from tests.support.panes import take_changed

PROFILE = build_profile(
    {"a": [i / 50 for i in range(100)], "c": ["x", "y"] * 50, "k": ["1", "2"] * 50},
    {"prediction": [0.0, 1.0] * 50},
    model="m",
    version=1,
    kinds={"k": "categorical"},
)

LABELLED = build_profile(
    {"a": [i / 50 for i in range(100)]},
    {"prediction": ["yes", "no", "1", "true", "null"] * 20},
    model="m",
    version=1,
)
LABELS = ["yes", "no", "1", "true", "null", "[1, 2", 'say "x"', "é", 1, True, None]
"""Of a model that answers with texts, some of which read as something else, and some that its reference never had."""

_read = msgspec.json.Decoder(ReadEvent)
_numbers = count()
"""A partition of `feature.panes` for each source, so that each has positions of its own."""


def target_of(deployment_id: str, profile: Profile | None = PROFILE) -> Target:
    identity = Identity("default", "m", 1, deployment_id)
    if profile is None:
        return Target(identity, None, None, 0, 50)
    return Target(identity, profile.id, Binner(profile), profile.size, 50)


@dataclass
class Source:
    """One partition of one incarnation of `inference.events`."""

    incarnation: str
    partition: int
    records: list[list[InferenceEvent]]
    landed: int
    """Records whose events landed."""
    panes: list[Pane] = field(default_factory=list)
    """Those that landed, in the order of their topic."""
    late: list[Pane] = field(default_factory=list)
    """Those that landed after them, of a worker that still knew this incarnation when the topics were made anew."""

    @property
    def stored(self) -> list[InferenceEvent]:
        return [event for record in self.records[: self.landed] for event in record]


def random_source(rng: random.Random, target: Target, incarnation: str, partition: int, begin: float) -> Source:
    """Records with gaps, late events and failures; counted in batches; what landed of each topic is cut anywhere."""
    at = begin
    records = []
    for number in range(rng.randint(1, 120)):
        at += rng.choice([0.1, 0.5, 3, 12, 200])
        name = f"{target.identity.deployment_id}-{incarnation}-{partition}-{number}"
        records.append([_event(rng, target, f"{name}-{row}", row, at) for row in range(rng.randint(1, 4))])
    source = Source(incarnation, partition, records, rng.choice([len(records), rng.randint(0, len(records))]))
    panes = _counted(rng, target, source, rng.choice([len(records), rng.randint(0, len(records))]))
    cut = rng.choice([len(panes), rng.randint(0, len(panes))])
    source.panes, source.late = panes[:cut], panes[cut:]
    return source


def _event(rng: random.Random, target: Target, event_id: str, row: int, at: float) -> InferenceEvent:
    identity = target.identity
    failed = rng.random() < 0.1
    features = {
        "a": rng.choice([rng.uniform(-1, 3), 1, None, True, 1e-7]),
        "c": rng.choice(["x", "z", "", None, 'a"\n', "null"]),
        "k": rng.choice([1, 2.0, "1", 3.5, True, ["1"], None]),
        "unknown": 1,
    }
    return InferenceEvent(
        event_id=event_id,
        request_id=event_id,
        row=row,
        ts=to_text(at - rng.choice([0, 0, 0, 25, 61])),
        workspace=identity.workspace,
        model=identity.model,
        version=identity.version,
        deployment_id=identity.deployment_id,
        role="primary",
        status=500 if failed else 200,
        error="runner_failed" if failed else None,
        latency_ms=rng.choice([0.5, 3.0, 250.0]),
        model_ms=None,
        batch_size=1,
        features=None if failed else features,
        prediction=None if failed else rng.choice(LABELS if target.profile_id == LABELLED.id else [0, 1, 0.5, None]),
        key_id=None,
    )


def _counted(rng: random.Random, target: Target, source: Source, until: int) -> list[Pane]:
    """The panes that a worker sends which counts so many records, in batches."""
    counter = PartitionCounter(source.incarnation, source.partition)
    sent: list[Pane] = []
    offset = 0
    while offset < until:
        end = min(until, offset + rng.randint(1, 10))
        read = [_read.decode_lines(encode_record(source.records[number])) for number in range(offset, end)]
        offsets = [offset + index for index, events in enumerate(read) for _ in events]
        counter.add(list(chain.from_iterable(read)), offsets, end - 1, {target.identity.deployment_id: target})
        changed = take_changed(counter)
        sent += changed
        counter.acknowledge(changed)
        offset = end
    return sent


def land(store: Store, source: Source, rng: random.Random, *, panes_incarnation: str) -> None:
    """As the sink does: whole inserts, each of some records.

    Mostly one insert, as in `land_panes`; some sources come in several, each of which goes on where the last one ended.
    """
    records = [encode_record(record) for record in source.records[: source.landed]]
    most = rng.choice([40, 400, 400, 400])
    _land(store, Topic.EVENTS, source.incarnation, source.partition, records, rng, most)
    land_panes(store, source.panes, rng, incarnation=panes_incarnation)


def land_panes(store: Store, panes: Sequence[Pane], rng: random.Random, *, incarnation: str) -> None:
    """Where they are beside others: what is sent again after a kill, or late to a topic that was made anew.

    Hundreds: what decides is which of them landed, not in how many inserts, of which each costs ClickHouse 50 ms.
    """
    _land(store, Topic.PANES, incarnation, next(_numbers), [encode(pane) for pane in panes], rng, most=400)


def _land(
    store: Store,
    topic: Topic,
    incarnation: str,
    partition: int,
    values: list[bytes],
    rng: random.Random,
    most: int,
) -> None:
    position, offset = None, 0
    while offset < len(values):
        end = min(len(values), offset + rng.randint(1, most))
        claim = Claim(topic.value, incarnation, partition, position, int(time.time() * 1000) // DAY_MS)
        store.insert(TABLES[topic], claim, offset, end - 1, b"\n".join(values[offset:end]))
        position = offset = end


def recounted(target: Target, events: Iterable[InferenceEvent], begin: int, end: int) -> Totals:
    """One event at a time: those in panes that start in [begin, end)."""
    total = Totals.empty(target.profile_id, target.size)
    for event in events:
        at = to_seconds(event.ts)
        if not begin <= at // PANE_SECONDS * PANE_SECONDS < end:
            continue
        failed = event.status >= 400
        refused = failed and event.status < 500
        latency = np.array([event.latency_ms] if event.row == 0 and not refused else [])
        refused_requests = int(refused and event.row == 0)
        total.add_service(1, int(failed), latency, refused=int(refused), refused_requests=refused_requests)
        total.newest_ts = max(total.newest_ts, event.ts)
        if not failed and target.binner is not None:
            counted = target.binner.empty()
            target.binner.count([event.features or {}], [event.prediction], counted)
            total.counts += counted.counts
            total.sums += counted.sums
    return total


def assert_equal(found: Totals, expected: Totals) -> None:
    """Sums of floats may differ in the last bits, with the order of their addition."""
    assert (found.events, found.requests) == (expected.events, expected.requests)
    assert (found.failed, found.refused) == (expected.failed, expected.refused)
    assert found.newest_ts == expected.newest_ts
    assert found.latency.tolist() == expected.latency.tolist()
    assert found.latency_sum_ms == pytest.approx(expected.latency_sum_ms)
    if expected.counts.any() or found.counts.any():
        assert found.counts.tolist() == expected.counts.tolist()
        assert found.sums == pytest.approx(expected.sums)
