"""What a reference is learned from stays within bounds in bytes, however wide the rows are."""

from datetime import UTC, datetime

import msgspec
import pytest

from stream.contracts import panes
from stream.contracts.identity import Identity
from stream.contracts.topics import TopicLayout
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.panes.sampling import BASELINE_BYTES, PANE_BYTES, rows_bytes, sampled_row
from stream.profiles.values import LONGEST_CATEGORY
from stream.windows.deployment_windows import DeploymentWindows
from tests.support.panes import take_changed

IDENTITY = Identity("default", "m", 1, "d")
START = 1_800_000_000


def event(number: int, features: dict[str, object], at: float) -> ReadEvent:
    return ReadEvent(
        event_id=str(number),
        ts=datetime.fromtimestamp(START + at, UTC),
        deployment_id="d",
        workspace="default",
        model="m",
        version=1,
        features=features,
        prediction=0.5,
    )


def wide(number: int, columns: int = 3000) -> dict[str, object]:
    return {f"feature_{index:04d}": (index * 7919 + number) / 7 for index in range(columns)}


def feed(counter: PartitionCounter, rows: int, per_pane: int, baseline_rows: int = 100_000) -> list[panes.Pane]:
    """The panes as they are sent, one record an event."""
    target = {"d": Target(IDENTITY, None, None, 0, baseline_rows)}
    sent = []
    for offset in range(rows):
        at = offset // per_pane * panes.PANE_SECONDS
        counter.add([event(offset, wide(offset), at)], [offset], offset, target)
        if offset % per_pane == per_pane - 1:
            changed = take_changed(counter)
            sent += changed
            counter.acknowledge(changed)
    return sent


def test_a_pane_of_wide_rows_fits_into_a_record_and_the_reference_is_learned_of_what_there_is() -> None:
    counter = PartitionCounter("t", 0)
    sent = feed(counter, 480, 60)
    assert max(len(panes.encode(pane)) for pane in sent) < PANE_BYTES + 100_000 < TopicLayout().max_record_bytes
    assert counter.sampled_bytes["d"] <= BASELINE_BYTES + PANE_BYTES
    windows = DeploymentWindows(IDENTITY)
    for offset, pane in enumerate(sent):
        windows.apply(panes.decode(panes.encode(pane)), offset, 0)
    rows = windows.sampled_rows()
    assert windows.enough_bytes()
    assert 100 < len(rows) < 480
    assert rows_bytes(rows) <= BASELINE_BYTES + 5 * PANE_BYTES


def test_which_rows_are_sampled_does_not_depend_on_when_the_state_was_restored() -> None:
    one, two = PartitionCounter("t", 0), PartitionCounter("t", 0)
    target = {"d": Target(IDENTITY, None, None, 0, 100)}
    for offset in range(90):
        given = event(offset, wide(offset, 1500), offset / 9)
        one.add([given], [offset], offset, target)
        two.add([given], [offset], offset, target)
        if offset % 7 == 0:
            two = PartitionCounter.unpack(two.pack(), 0)
    assert msgspec.json.encode(take_changed(one)) == msgspec.json.encode(take_changed(two))
    assert one.sampled == two.sampled
    assert one.sampled_bytes == two.sampled_bytes


def test_a_row_keeps_no_more_of_a_value_than_a_profile_takes() -> None:
    row, size = sampled_row(
        {"text": "x" * 100_000, "list": list(range(10_000)), "n": 1.5, "none": None}, {"p": "y" * 999}
    )
    assert size < 3 * LONGEST_CATEGORY
    features = row["features"]
    assert isinstance(features, dict)
    assert (features["list"], features["n"], features["none"]) == ([], 1.5, None)


@pytest.mark.parametrize("value", [2**64, -(2**70), 10**400, 1e308])
def test_a_number_of_any_size_can_be_sampled(value: float) -> None:
    assert sampled_row({"n": value}, value)[1] > 0


def test_state_of_before_bytes_were_counted_is_read() -> None:
    counter = PartitionCounter("t", 0)
    feed(counter, 3, 10)
    old = msgspec.msgpack.decode(counter.pack())[:-1]
    assert PartitionCounter.unpack(msgspec.msgpack.encode(old), 0).sampled == {"d": 3}
