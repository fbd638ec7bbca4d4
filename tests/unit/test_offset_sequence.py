"""Which records are taken after seeks."""

from stream.exact.offset_sequence import OffsetSequence, OffsetVerdict


def judge_all(expected: OffsetSequence, offsets: list[int]) -> list[OffsetVerdict]:
    return [expected.judge(offset) for offset in offsets]


def test_each_offset_is_taken_once() -> None:
    expected = OffsetSequence(5)
    assert judge_all(expected, [3, 4, 5, 5, 6]) == [
        OffsetVerdict.SKIP,
        OffsetVerdict.SKIP,
        OffsetVerdict.TAKE,
        OffsetVerdict.SKIP,
        OffsetVerdict.TAKE,
    ]


def test_records_queued_before_a_seek_wait_for_the_ones_before_them() -> None:
    expected = OffsetSequence(5)
    assert judge_all(expected, [9, 10, 11]) == [OffsetVerdict.SEEK, OffsetVerdict.SKIP, OffsetVerdict.SKIP]
    assert judge_all(expected, [5, 6, 7, 8, 9]) == [OffsetVerdict.TAKE] * 5
    assert expected.gaps == 0


def test_a_gap_that_two_readings_begin_with_is_the_topics_own() -> None:
    expected = OffsetSequence(5)
    assert judge_all(expected, [9, 10]) == [OffsetVerdict.SEEK, OffsetVerdict.SKIP]
    assert judge_all(expected, [9, 10]) == [OffsetVerdict.SEEK, OffsetVerdict.SKIP]
    assert judge_all(expected, [9, 10, 11]) == [OffsetVerdict.TAKE, OffsetVerdict.TAKE, OffsetVerdict.TAKE]
    assert (expected.gaps, expected.missing, expected.next_offset) == (1, 4, 12)


def test_stale_records_delivered_twice_are_no_gap() -> None:
    expected = OffsetSequence(5)
    judge_all(expected, [9, 10, 9, 10])
    assert judge_all(expected, [5, 6, 7, 8, 9, 10]) == [OffsetVerdict.TAKE] * 6
    assert expected.gaps == 0


def test_a_record_that_alone_is_beyond_the_gap_is_taken_too() -> None:
    expected = OffsetSequence(0)
    assert judge_all(expected, [40, 40, 40]) == [OffsetVerdict.SEEK, OffsetVerdict.SEEK, OffsetVerdict.TAKE]
