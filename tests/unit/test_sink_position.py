"""What an insert goes on from, and where reading starts."""

import pytest

from storage.sink.position import DAY_MS, Claim, PositionAheadError, day_of, start_of_reading

NOW = 1_770_000_000_000


def test_the_token_is_the_position_and_nothing_of_the_batch() -> None:
    assert Claim("t", "id", 3, 17, day=1).token == "t/id/3/17"
    assert Claim("t", "id", 3, None, day=1).token == "t/id/3/start"
    assert Claim("t", "id", 3, 0, day=1).token == "t/id/3/0"
    assert Claim("t", "id", 3, 17, day=1, attempt=2).token == "t/id/3/17/2"


@pytest.mark.parametrize(
    ("position", "committed", "low", "high", "expected"),
    [
        (50, 70, 0, 100, 50),  # the table decides, not the group
        (0, 70, 0, 100, 0),
        (100, None, 0, 100, 100),
        (50, None, 60, 100, 60),  # what retention took is gone
        (None, 70, 0, 100, 70),
        (None, 170, 0, 100, 0),  # committed in an earlier life of the topic
        (None, 5, 10, 100, 10),
        (None, None, 10, 100, 10),
    ],
)
def test_reading_starts_at(position: int | None, committed: int | None, low: int, high: int, expected: int) -> None:
    assert start_of_reading("t", position, committed, low, high) == expected


def test_a_topic_that_ends_before_the_position_is_for_a_person() -> None:
    with pytest.raises(PositionAheadError, match=r"up to offset 100, but the topic ends at 40.*tidegate topics"):
        start_of_reading("t", 101, None, 0, 40)


def test_the_day_is_of_the_record_and_does_not_depend_on_when_it_is_inserted() -> None:
    assert {day_of(NOW - 3 * DAY_MS, NOW + hours * 3_600_000) for hours in range(24)} == {(NOW - 3 * DAY_MS) // DAY_MS}


@pytest.mark.parametrize(("stamp", "expected"), [(0, -30), (-1, -30), (NOW * 1000, 1)])
def test_a_wrong_clock_neither_drops_rows_nor_keeps_them_for_ever(stamp: int, expected: int) -> None:
    assert day_of(stamp, NOW) == NOW // DAY_MS + expected
