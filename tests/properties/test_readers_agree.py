"""What becomes of a line follows from its record: any batches, any neighbours, and both readers say the same."""

from hypothesis import given
from hypothesis import strategies as st

from storage.sink.batch import read_batch
from stream.contracts.topics import Topic
from stream.intake.events import Intake, Record, read_records
from tests.properties.test_intake_properties import GOOD, NOW_MS, line

LINES = st.sampled_from(
    [
        GOOD,
        line(event_id="e2"),
        GOOD + GOOD,
        GOOD + b" " + GOOD,
        b"",
        b"  ",
        b"{",
        line(latency_ms=1e300),
        b'{"a":\n{}}',
    ]
)
VALUES = st.lists(LINES, min_size=1, max_size=4).map(b"\n".join)
STAMPS = st.sampled_from([NOW_MS, NOW_MS - 120_000, NOW_MS + 120_000, 4_102_444_800_000, 2**62, -1, NOW_MS + 10**9])


@given(st.lists(st.tuples(STAMPS, VALUES), min_size=1, max_size=5), st.data())
def test_batches_and_neighbours_decide_nothing(made: list[tuple[int, bytes]], data: st.DataObject) -> None:
    records = [Record(offset, stamp, value) for offset, (stamp, value) in enumerate(made)]
    cut = data.draw(st.integers(0, len(records)))
    alone = [_said(read_records([record])) for record in records]
    assert _said(read_records(records)) == _joined(alone)
    assert _joined([_said(read_records(part)) for part in (records[:cut], records[cut:]) if part]) == _joined(alone)
    landed = read_batch(Topic.EVENTS, records)
    events, rejects = _joined(alone)
    assert landed.rows == len(events) if landed.lines else not events
    assert [(r.offset, r.line, r.reason.value) for r in landed.rejects] == rejects


def _said(intake: Intake) -> tuple[list[tuple[int, str]], list[tuple[int, int, str]]]:
    events = [(offset, event.event_id) for offset, event in zip(intake.offsets, intake.events, strict=True)]
    return events, [(reject.offset, reject.line, reject.reason.value) for reject in intake.rejects]


def _joined(
    parts: list[tuple[list[tuple[int, str]], list[tuple[int, int, str]]]],
) -> tuple[list[tuple[int, str]], list[tuple[int, int, str]]]:
    return [e for events, _ in parts for e in events], [r for _, rejects in parts for r in rejects]
