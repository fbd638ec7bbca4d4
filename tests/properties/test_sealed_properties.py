"""Messages of our own topics: whatever changes in one on its way, it is noticed, by the worker and by the sink."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.sink.batch import read_batch
from stream.contracts import alerts, dead_letters, deployments, metrics, panes, sealed
from stream.contracts.dead_letters import Reason
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.panes import Pane
from stream.contracts.topics import Topic
from stream.intake.events import Record
from tests.support.mutations import MUTATIONS
from tests.support.sink_samples import of_every_topic, pane

NOW = 1_800_000_000.0
FROM_OUTSIDE = {Topic.EVENTS, Topic.FEEDBACK}
SEALED = {topic: value for topic, value in of_every_topic("m", NOW).items() if topic not in FROM_OUTSIDE}
READERS = {
    Topic.PANES: panes.decode,
    Topic.DRIFT: metrics.decode_drift,
    Topic.SERVICE: metrics.decode_service,
    Topic.ALERTS: alerts.decode_alert,
    Topic.NOTIFICATIONS: alerts.decode_notification,
    Topic.DEPLOYMENTS: deployments.decode,
    Topic.DEAD_LETTERS: dead_letters.decode,
}
counts = st.lists(st.integers(0, 2**53), max_size=20)


@st.composite
def any_pane(draw: st.DrawFn) -> Pane:
    held = draw(counts)
    sums = draw(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=len(held), max_size=len(held)))
    return msgspec.structs.replace(
        pane(draw(st.text(max_size=10)), 1_800_000_000, draw(st.integers(0, 2**40)), draw(st.integers(1, 2**40))),
        bins=list(range(len(held))),
        counts=held,
        sums=sums,
        sample=draw(st.none() | st.just([{"price": 0.5, 'crc32":"': "}"}])),
    )


@pytest.mark.parametrize("topic", SEALED, ids=str)
def test_every_flipped_bit_is_noticed(topic: Topic) -> None:
    """In each message there is, wherever in it, the checksum and the mark that there is one included."""
    value = SEALED[topic]
    untouched = read_batch(topic, [Record(0, 0, value)]).lines
    assert len(untouched) == value.count(b"\n") + 1
    for bit in range(len(value) * 8):
        changed = bytearray(value)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UNREADABLE):
            READERS[topic](bytes(changed))
        batch = read_batch(topic, [Record(0, 0, bytes(changed))])
        assert batch.rejects
        assert set(batch.lines) < set(untouched), "what lands is what was written"


@given(any_pane(), st.integers(0, 2**32))
def test_a_pane_that_changed_is_none(written: Pane, seed: int) -> None:
    value = panes.encode(written)
    assert panes.decode(value) == written
    dice = random.Random(seed)
    changed = dice.choice(MUTATIONS)(value, dice)
    if changed != value:
        with pytest.raises(UNREADABLE):
            panes.decode(changed)


@given(any_pane())
def test_what_was_written_before_there_were_seals_is_read(written: Pane) -> None:
    old = msgspec.structs.replace(written, v=1)
    line = msgspec.json.encode(old)
    assert panes.decode(line) == old
    assert read_batch(Topic.PANES, [Record(0, 0, line)]).lines == [line]
    assert panes.decode(panes.encode(old)) == written, "written again, it is sealed"


def test_the_reason_is_told() -> None:
    value = SEALED[Topic.PANES].replace(b'"counts":[1,3]', b'"counts":[1,2]')
    assert value != SEALED[Topic.PANES]
    (reject,) = read_batch(Topic.PANES, [Record(7, 0, value)]).rejects
    assert (reject.offset, reject.reason, reject.raw) == (7, Reason.WRONG_CHECKSUM, value)
    with pytest.raises(sealed.WrongChecksumError):
        panes.decode(value)
