"""When a drain may end: not before what was there is taken, and not only when everybody falls silent."""

from stream.exact.draining import QUIET_S, DrainGoal

AT_ONCE = 0.0


def test_what_stood_there_is_waited_for_however_long_it_is_silent() -> None:
    assert not DrainGoal(10).reached(9, end=10, silent_s=60)


def test_without_traffic_it_ends_at_the_end_and_after_a_silence() -> None:
    goal = DrainGoal(10)
    assert not goal.reached(10, end=10, silent_s=AT_ONCE), "the rest of the last batch may still come"
    assert goal.reached(10, end=10, silent_s=QUIET_S)


def test_traffic_that_goes_on_is_not_waited_for() -> None:
    goal = DrainGoal(10)
    assert not goal.reached(10, end=10, silent_s=AT_ONCE)
    assert not goal.reached(12, end=15, silent_s=AT_ONCE), "the batch at 10 may go up to 15"
    assert goal.reached(15, end=400, silent_s=AT_ONCE)


def test_an_empty_partition_is_done() -> None:
    assert DrainGoal(0).reached(0, end=0, silent_s=60)
