"""Which jobs start, when a failed one is tried again, and what becomes of one whose deployer died."""

from datetime import timedelta

import pytest

from model_runner.errors import ModelError
from storage.registry import JobState
from tests.support.jobs import NOW, job
from tidegate.deployer import DeployError
from tidegate.deployer.publishing import PublishError
from tidegate.deployer.recovery import LIVES, Seen, Verdict, verdict
from tidegate.deployer.retrying import ATTEMPTS, can_pass, next_attempt
from tidegate.deployer.scheduling import ahead_of, startable

GONE = Seen(was_live=False, pusher_lives=False, is_taken=False, has_files=True)
THERE = Seen(was_live=False, pusher_lives=True, is_taken=False, has_files=True)


def test_jobs_of_one_model_go_one_after_the_other_and_those_of_others_beside_them() -> None:
    first, second, other = job(1), job(2), job(3, model="other")

    assert startable([first, second, other], set(), 4, NOW) == [first, other]
    assert startable([first, second], {1}, 4, NOW) == []
    assert ahead_of(second, [first, second, other]) == first
    assert ahead_of(other, [first, second, other]) is None


def test_no_more_run_than_may() -> None:
    waiting = [job(number, model=f"m{number}") for number in range(1, 6)]

    assert [found.id for found in startable(waiting, set(), 2, NOW)] == [1, 2]
    assert startable(waiting, {1, 2}, 2, NOW) == []


def test_a_later_job_of_a_model_does_not_overtake_one_that_pauses() -> None:
    """Otherwise the older version would go live last."""
    pausing, later = job(1, not_before=NOW + timedelta(seconds=5)), job(2)

    assert startable([pausing, later], set(), 2, NOW) == []
    assert startable([pausing, later], set(), 2, NOW + timedelta(seconds=6)) == [pausing]


def _deploy_error(cause: Exception) -> DeployError:
    error = DeployError("start", str(cause))
    error.__cause__ = cause
    return error


def test_only_what_can_pass_is_tried_again() -> None:
    assert can_pass(_deploy_error(PublishError("no broker")))
    assert can_pass(ConnectionRefusedError())
    assert not can_pass(_deploy_error(ModelError("model.pkl", "is none", "Save one")))


def test_pauses_grow_and_end() -> None:
    moments = [next_attempt(attempts, NOW, 0.5) for attempts in range(1, ATTEMPTS + 1)]

    assert [moment and (moment - NOW).total_seconds() for moment in moments] == [1.0, 3.0, 9.0, None]


@pytest.mark.parametrize(
    ("prepared", "seen", "expected"),
    [
        (None, THERE, Verdict.AGAIN),
        (None, GONE, Verdict.FAILED),
        ({"lines": 3}, THERE, Verdict.GO_ON),
        ({"lines": 3}, GONE, Verdict.FAILED),
        ({"lines": 3}, Seen(False, False, True, True), Verdict.GO_ON),
        ({"lines": 3}, Seen(True, False, True, True), Verdict.SUCCEEDED),
        (None, Seen(False, True, False, False), Verdict.FAILED),
    ],
)
def test_a_push_whose_deployer_died_is_live_or_begins_anew_or_has_failed(
    prepared: dict[str, object] | None, seen: Seen, expected: Verdict
) -> None:
    what, why = verdict(job(1, state=JobState.RUNNING, attempts=1, prepared=prepared), seen)

    assert what is expected
    assert ("push again" in why) is (what is Verdict.FAILED)


def test_a_job_that_ends_its_deployer_again_and_again_is_given_up() -> None:
    what, why = verdict(job(1, state=JobState.RUNNING, attempts=LIVES), THERE)

    assert what is Verdict.FAILED
    assert "tidegate logs deployer" in why


def test_a_job_from_github_needs_nobody_who_waits() -> None:
    running = job(1, kind="github", state=JobState.RUNNING, attempts=1)

    assert verdict(running, GONE)[0] is Verdict.AGAIN
    assert verdict(job(1, kind="github", prepared={"lines": 1}), GONE)[0] is Verdict.GO_ON
