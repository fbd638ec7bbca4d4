"""Counting a partition: the same panes however records are batched, and whatever is read again after a kill."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.contracts.identity import Identity
from stream.contracts.panes import Pane
from stream.contracts.timestamps import to_text
from stream.histograms.binning import Binner
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.profiles.build import build_profile
from tests.support.panes import take_changed

PROFILE = build_profile({"a": np.linspace(0, 1, 500).tolist()}, {"prediction": [0.0, 1.0] * 250}, model="m", version=1)
BINNER = Binner(PROFILE)
TARGETS = {
    name: Target(Identity("default", "m", 1, name), PROFILE.id, BINNER, PROFILE.size, 10) for name in ("d1", "d2")
}
BASE = 1_800_000_000.0


class Event(NamedTuple):
    """One event of a record."""

    deployment: str
    at: float
    value: float | None
    status: int
    row: int


events = st.builds(
    Event,
    st.sampled_from(["d1", "d2"]),
    st.floats(0, 120, width=32),
    st.one_of(st.none(), st.floats(-0.5, 1.5, width=32)),
    st.sampled_from([200, 200, 200, 422, 500]),
    st.integers(0, 1),
)
partitions = st.lists(st.lists(events, max_size=4), max_size=30)


def read_events(records: Sequence[Sequence[Event]], first: int) -> tuple[list[ReadEvent], list[int]]:
    found, offsets = [], []
    for index, record in enumerate(records):
        for event in record:
            raw = {
                "event_id": "e",
                "ts": to_text(BASE + event.at),
                "deployment_id": event.deployment,
                "workspace": "default",
                "model": "m",
                "version": 1,
                "row": event.row,
                "status": event.status,
                "latency_ms": 2.0,
                "features": {"a": event.value},
                "prediction": 1,
            }
            found.append(msgspec.convert(raw, ReadEvent))
            offsets.append(first + index)
    return found, offsets


def feed(counter: PartitionCounter, records: Sequence[Sequence[Event]], cuts: Sequence[int]) -> None:
    """Add all records from the counter's next offset on, in batches that end at `cuts`."""
    for end in sorted({cut for cut in cuts if cut > counter.next_offset} | {len(records)}):
        batch = records[counter.next_offset : end]
        found, offsets = read_events(batch, counter.next_offset)
        counter.add(found, offsets, end - 1, TARGETS)


def comparable(panes: Sequence[Pane]) -> list[Pane]:
    """Sums of floats may differ in the last bits with the order of addition; here they are exact multiples."""
    rounded = [
        msgspec.structs.replace(p, sums=[round(s, 6) for s in p.sums], latency_sum_ms=round(p.latency_sum_ms, 6))
        for p in panes
    ]
    return sorted(rounded, key=lambda p: (p.deployment_id, p.start, p.segment))


cut_points = st.lists(st.integers(1, 30), max_size=6)


@given(partitions, cut_points, cut_points)
def test_panes_do_not_depend_on_the_batches(records: list[list[Event]], one: list[int], other: list[int]) -> None:
    first, second = PartitionCounter("t", 0), PartitionCounter("t", 0)
    feed(first, records, one)
    feed(second, records, other)
    assert comparable(take_changed(first)) == comparable(take_changed(second))
    assert first.watermark == second.watermark


@given(partitions, cut_points, st.integers(0, 30), st.data())
def test_what_a_kill_leaves_on_the_topic_still_adds_up(
    records: list[list[Event]], cuts: list[int], kill_at: int, data: st.DataObject
) -> None:
    """A worker writes its state now and then, sends panes, dies; another takes the state up and reads again."""
    topic: list[Pane] = []
    counter = PartitionCounter("t", 0)
    state = counter.pack()
    for end in sorted({cut for cut in cuts if cut <= kill_at} | {min(kill_at, len(records))}):
        feed(counter, records[:end], [])
        changed = take_changed(counter)
        if data.draw(st.booleans(), label="state written"):
            state = counter.pack()
        if data.draw(st.booleans(), label="panes arrived"):
            topic += changed
            counter.acknowledge(changed)
        else:
            break
    successor = PartitionCounter.unpack(state, 0)
    feed(successor, records, cuts)
    topic += take_changed(successor)
    assert totals(topic) == expected(records)


def totals(topic: Sequence[Pane]) -> dict[tuple[str, int], tuple[int, ...]]:
    newest: dict[tuple[str, int, int], Pane] = {}
    for pane in topic:
        key = (pane.deployment_id, pane.start, pane.segment)
        if key not in newest or pane.as_of >= newest[key].as_of:
            newest[key] = pane
    found: dict[tuple[str, int], tuple[int, ...]] = {}
    for pane in newest.values():
        before = found.get((pane.deployment_id, pane.start), (0,) * 6)
        timed = sum(pane.latency_counts)
        counted = (pane.events, pane.requests, pane.failed, pane.refused, timed, sum(pane.counts))
        found[pane.deployment_id, pane.start] = tuple(map(sum, zip(before, counted, strict=True)))
    return found


def expected(records: Sequence[Sequence[Event]]) -> dict[tuple[str, int], tuple[int, ...]]:
    found: dict[tuple[str, int], tuple[int, ...]] = {}
    for event in (event for record in records for event in record):
        key = (event.deployment, int((BASE + event.at) // 10 * 10))
        n, requests, failed, refused, timed, counts = found.get(key, (0,) * 6)
        bad, first = int(event.status >= 400), int(event.row == 0)
        theirs = int(bad and event.status < 500)
        counts += 2 * (1 - bad)
        found[key] = (n + 1, requests + first, failed + bad, refused + theirs, timed + first * (1 - theirs), counts)
    return found


@given(partitions, cut_points)
def test_state_survives_being_written_down(records: list[list[Event]], cuts: list[int]) -> None:
    counter = PartitionCounter("t", 3)
    feed(counter, records, cuts)
    again = PartitionCounter.unpack(counter.pack(), 3)
    assert comparable(take_changed(again)) == comparable(take_changed(counter))
    assert (again.next_offset, again.watermark) == (counter.next_offset, counter.watermark)


@given(partitions, cut_points)
def test_closed_panes_leave_in_order_and_are_forgotten_once_acknowledged(
    records: list[list[Event]], cuts: list[int]
) -> None:
    counter = PartitionCounter("t", 0)
    feed(counter, records, cuts)
    changed = take_changed(counter)
    closed = [(p.closed_at, p.start, p.segment) for p in changed if p.closed]
    assert closed == sorted(closed)
    counter.acknowledge(changed)
    assert counter.closed == []
    assert take_changed(counter) == []


@given(partitions, cut_points)
def test_nothing_is_kept_of_deployments_that_ended_once_it_was_sent(
    records: list[list[Event]], cuts: list[int]
) -> None:
    counter = PartitionCounter("t", 0)
    feed(counter, records, cuts)
    unsent = {key for key, pane in counter.open.items() if pane.changed}
    counter.keep_only(())
    assert set(counter.open) == unsent, "what was not sent yet has to be"
    counter.acknowledge(take_changed(counter))
    assert counter.keep_only(()) == bool(unsent)
    assert not counter.open
    assert not counter.closed
    assert not counter.sampled
    assert not counter.keep_only(())
