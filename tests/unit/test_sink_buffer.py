"""What a partition's buffer takes, and in which order it gives."""

from storage.sink.buffer import Buffer
from stream.exact.offset_sequence import OffsetVerdict
from stream.intake.events import Record


def _record(offset: int, value: bytes = b"x") -> Record:
    return Record(offset, 0, value)


def test_offsets_that_were_read_are_dropped() -> None:
    buffer = Buffer(5)
    answers = [buffer.add(_record(offset), 0.0) for offset in (3, 4, 5, 5, 6)]
    assert answers == [
        OffsetVerdict.SKIP,
        OffsetVerdict.SKIP,
        OffsetVerdict.TAKE,
        OffsetVerdict.SKIP,
        OffsetVerdict.TAKE,
    ]
    assert [record.offset for record in buffer.take()] == [5, 6]


def test_what_comes_too_early_is_not_kept() -> None:
    """Which gaps are believed: test_offset_sequence.py."""
    buffer = Buffer(5)
    assert buffer.add(_record(9), 0.0) is OffsetVerdict.SEEK
    assert (buffer.expected, buffer.records) == (5, [])
    assert [buffer.add(_record(offset), 0.0) for offset in range(5, 10)] == [OffsetVerdict.TAKE] * 5
    assert (buffer.sequence.missing, buffer.expected) == (0, 10)


def test_what_is_put_back_stands_first_and_keeps_the_count() -> None:
    buffer = Buffer(0)
    buffer.add(_record(0, b"a\nb"), 1.0)
    taken = buffer.take()
    assert (buffer.rows, buffer.bytes, buffer.since) == (0, 0, None)
    buffer.add(_record(1, b"c"), 2.0)
    buffer.put_back(taken, 3.0)
    assert [record.offset for record in buffer.records] == [0, 1]
    assert (buffer.rows, buffer.bytes) == (3, 4)
