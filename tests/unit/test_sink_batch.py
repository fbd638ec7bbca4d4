"""What is sent to ClickHouse of what stood in a topic."""

import msgspec

from storage.sink.batch import accepted_lines, read_batch
from storage.sink.refusal import find_refused
from stream.contracts.dead_letters import Reason
from stream.contracts.topics import Topic
from stream.intake.events import Record
from tests.support.sink_samples import event, moment

NOW = 1_770_000_000.0
STAMP = int(NOW * 1000)


def _event(number: int) -> bytes:
    return msgspec.json.encode(event(number, moment(NOW)))


def test_clean_events_go_as_they_came() -> None:
    values = [_event(0) + b"\n" + _event(1), _event(2)]
    batch = read_batch(Topic.EVENTS, [Record(7 + i, STAMP, value) for i, value in enumerate(values)])
    assert batch.body() == b"\n".join(values)
    assert (batch.rows, batch.last_offset, batch.rejects) == (3, 8, [])


def test_garbage_among_events_is_left_out_and_not_lettered_twice() -> None:
    records = [Record(1, STAMP, _event(0) + b"\nnot json\n" + _event(1)), Record(2, STAMP, b"\xff\x00")]
    batch = read_batch(Topic.EVENTS, records)
    assert batch.body() == _event(0) + b"\n" + _event(1)
    assert [reject.offset for reject in batch.rejects] == [1, 2]
    assert not batch.letters, "the stream worker writes them"
    assert batch.last_offset == 2
    assert [(line.offset, line.number) for line in accepted_lines(records, batch.rejects)] == [(1, 0), (1, 2)]


def test_other_topics_take_objects_only() -> None:
    values = [b'{"a":1}', b"", b"  ", b"[]", b"[{}]", b"7", b'{"a":', b'{"a":"\xff"}', b'{"a":1}{"a":2}']
    records = [Record(offset, STAMP, value) for offset, value in enumerate(values)]
    batch = read_batch(Topic.ALERTS, records)
    assert (batch.lines, batch.last_offset, batch.letters) == ([b'{"a":1}'], 8, True)
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [
        (3, Reason.WRONG_TYPE),
        (4, Reason.WRONG_TYPE),
        (5, Reason.WRONG_TYPE),
        (6, Reason.NOT_JSON),
        (7, Reason.NOT_JSON),
        (8, Reason.NOT_JSON),
    ]


def test_garbage_in_dead_letters_makes_no_letter_about_itself() -> None:
    batch = read_batch(Topic.DEAD_LETTERS, [Record(0, STAMP, b"?")])
    assert (len(batch.rejects), batch.letters) == (1, False)


def test_the_refused_lines_are_found_with_few_questions() -> None:
    lines = [b"good"] * 1000
    lines[0] = lines[500] = lines[999] = b"bad"
    asked = []

    def readable(part: object) -> bool:
        asked.append(1)
        return b"bad" not in part  # type: ignore[operator]

    assert find_refused(lines, readable) == [0, 500, 999]
    assert len(asked) < 70
