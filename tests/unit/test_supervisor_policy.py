"""When a process that ended is started again."""

import pytest

from tidegate.supervisor.policy import History, RestartPolicy, after_exit, delay_s, is_failing

POLICY = RestartPolicy(first_s=0.2, factor=2, longest_s=5, jitter=0.25, stable_s=30, failing_after=3)


def _after(count: int, uptime_s: float = 0.1) -> History:
    history = History()
    for _ in range(count):
        history = after_exit(POLICY, history, uptime_s)
    return history


def test_the_first_restart_comes_at_once() -> None:
    assert delay_s(POLICY, _after(1), draw=0.5) == pytest.approx(0.2)
    assert delay_s(RestartPolicy(), History(failures=1), draw=1.0) <= 0.2


def test_each_further_one_waits_longer_up_to_the_longest() -> None:
    delays = [delay_s(POLICY, _after(count), draw=0.5) for count in range(1, 9)]

    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])
    assert delay_s(POLICY, History(failures=10_000), draw=0.5) == 5


def test_chance_moves_it_by_its_share_and_no_more() -> None:
    history = _after(4)

    assert delay_s(POLICY, history, draw=0.0) == pytest.approx(1.6 * 0.75)
    assert delay_s(POLICY, history, draw=0.999_999) == pytest.approx(1.6 * 1.25, rel=1e-4)


def test_a_stable_time_makes_earlier_failures_forgotten_but_not_uncounted() -> None:
    history = after_exit(POLICY, _after(5), uptime_s=30.0)

    assert history == History(failures=1, restarts=6)
    assert after_exit(POLICY, _after(5), uptime_s=29.9).failures == 6


def test_it_is_failing_after_its_failures_in_a_row() -> None:
    assert [is_failing(POLICY, _after(count)) for count in range(1, 5)] == [False, False, True, True]
    assert not is_failing(POLICY, _after(9, uptime_s=60))
