"""How long events of a deployment that ended are counted."""

from stream.intake.leaving import GRACE_S, Leaving


def test_it_is_over_when_all_that_was_there_a_grace_later_was_read() -> None:
    leaving = Leaving()
    assert leaving.over({"d"}, 100.0, {0: 50, 1: 7}, {0: 10, 1: 7}) == []
    assert leaving.over({"d"}, 99.9 + GRACE_S, {0: 60, 1: 7}, {0: 60, 1: 7}) == [], "its events may be on their way"
    assert leaving.over({"d"}, 100.0 + GRACE_S, {0: 70, 1: 7}, {0: 60, 1: 7}) == []
    assert leaving.over({"d"}, 101.0 + GRACE_S, {0: 90, 1: 9}, {0: 69, 1: 7}) == []
    assert leaving.over({"d"}, 102.0 + GRACE_S, {0: 95, 1: 9}, {0: 70, 1: 7}) == ["d"], "traffic of others goes on"


def test_a_partition_that_was_taken_away_is_waited_for_by_whoever_has_it() -> None:
    leaving = Leaving()
    leaving.over({"d"}, 0.0, {0: 50, 1: 7}, {0: 0, 1: 7})
    leaving.over({"d"}, GRACE_S, {0: 50, 1: 7}, {0: 0, 1: 7})
    assert leaving.over({"d"}, GRACE_S + 1, {1: 7}, {1: 7}) == ["d"]


def test_a_partition_that_comes_starts_the_wait_anew() -> None:
    leaving = Leaving()
    leaving.over({"d"}, 0.0, {}, {})
    leaving.start_anew()
    assert leaving.over({"d"}, GRACE_S, {0: 50}, {0: 0}) == []
    assert leaving.over({"d"}, 2 * GRACE_S, {0: 50}, {0: 0}) == []
    assert leaving.over({"d"}, 2 * GRACE_S, {0: 50}, {0: 50}) == ["d"]
