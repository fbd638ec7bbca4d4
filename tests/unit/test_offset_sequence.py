"""Which records are taken after seeks."""

from stream.exact.offset_sequence import ExpectedOffset, Verdict


def judge_all(expected: ExpectedOffset, offsets: list[int]) -> list[Verdict]:
    return [expected.judge(offset) for offset in offsets]


def test_each_offset_is_taken_once() -> None:
    expected = ExpectedOffset(5)
    assert judge_all(expected, [3, 4, 5, 5, 6]) == [
        Verdict.SKIP,
        Verdict.SKIP,
        Verdict.TAKE,
        Verdict.SKIP,
        Verdict.TAKE,
    ]


def test_records_queued_before_a_seek_wait_for_the_ones_before_them() -> None:
    expected = ExpectedOffset(5)
    assert judge_all(expected, [9, 10, 11]) == [Verdict.SEEK, Verdict.SKIP, Verdict.SKIP]
    assert judge_all(expected, [5, 6, 7, 8, 9]) == [Verdict.TAKE] * 5
    assert expected.gaps == 0


def test_a_gap_that_two_readings_begin_with_is_the_topics_own() -> None:
    expected = ExpectedOffset(5)
    assert judge_all(expected, [9, 10]) == [Verdict.SEEK, Verdict.SKIP]
    assert judge_all(expected, [9, 10]) == [Verdict.SEEK, Verdict.SKIP]
    assert judge_all(expected, [9, 10, 11]) == [Verdict.TAKE, Verdict.TAKE, Verdict.TAKE]
    assert (expected.gaps, expected.next_offset) == (1, 12)


def test_stale_records_delivered_twice_are_no_gap() -> None:
    expected = ExpectedOffset(5)
    judge_all(expected, [9, 10, 9, 10])
    assert judge_all(expected, [5, 6, 7, 8, 9, 10]) == [Verdict.TAKE] * 6
    assert expected.gaps == 0


def test_a_record_that_alone_is_beyond_the_gap_is_taken_too() -> None:
    expected = ExpectedOffset(0)
    assert judge_all(expected, [40, 40, 40]) == [Verdict.SEEK, Verdict.SEEK, Verdict.TAKE]
