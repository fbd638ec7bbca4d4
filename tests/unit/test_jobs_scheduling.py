"""Which jobs start, when a failed one is tried again, and what becomes of one whose deployer died."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runner.errors import ModelError
from storage.registry import Job, JobState
from tests.support.jobs import NOW, job
from tidegate.deployer import DeployError
from tidegate.deployer.jobs.recovery import LIVES, JobTraces, RecoveryVerdict, verdict
from tidegate.deployer.jobs.retrying import ATTEMPTS, can_pass, next_attempt
from tidegate.deployer.jobs.scheduling import ahead_of, startable
from tidegate.rollout.publishing import PublishError

GONE = JobTraces(was_live=False, pusher_lives=False, is_taken=False, has_files=True)
THERE = JobTraces(was_live=False, pusher_lives=True, is_taken=False, has_files=True)


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


def of_push(number: int, pusher: int, **given: Any) -> Job:
    return job(number, source={"repository": "/r", "pusher": pusher, "pusher_since": 1.5, "refs": 2}, **given)


def test_no_job_of_a_push_waits_for_one_that_waits_for_its_git() -> None:
    """Git decides on all branches of a push together: the first, which is prepared, waits for the second."""
    first = of_push(1, 70, state=JobState.RUNNING, prepared={"lines": 9})
    between, second = of_push(2, 71), of_push(3, 70)
    jobs = [first, between, second]

    assert startable(jobs, {1}, 1, NOW) == [second], "a job that waits takes nobody's place"
    assert ahead_of(second, jobs) is None
    assert ahead_of(between, jobs) == second
    assert startable([first, between], {1}, 1, NOW) == [], "another push waits until this one is decided"
    assert startable([between, second], set(), 2, NOW) == [between]


def test_branches_of_one_push_are_prepared_in_their_order() -> None:
    first, second = of_push(1, 70), of_push(2, 70)

    assert startable([first, second], set(), 2, NOW) == [first]
    assert startable([first, second], {1}, 2, NOW) == []
    assert ahead_of(second, [first, second]) == first


@given(
    pushers=st.lists(st.integers(1, 3), min_size=1, max_size=8),
    models=st.lists(st.sampled_from("ab"), min_size=8, max_size=8),
    limit=st.integers(1, 3),
)
def test_every_push_comes_to_its_end(pushers: list[int], models: list[str], limit: int) -> None:
    """Jobs come in any order, each push's next one when its last is prepared; git takes a push when all are."""
    coming = {pusher: [n for n, each in enumerate(pushers, 1) if each == pusher] for pusher in set(pushers)}
    held: dict[int, list[Job]] = {pusher: [] for pusher in coming}
    unfinished: dict[int, Job] = {}
    for _ in range(4 * len(pushers) + 4):
        for pusher, numbers in list(coming.items()):
            own = held[pusher]
            if numbers and all(each.prepared for each in own):
                made = of_push(numbers.pop(0), pusher, model=models[pusher])
                own.append(made)
                unfinished[made.id] = made
            elif not numbers and all(each.prepared for each in own):
                for each in own:
                    unfinished.pop(each.id, None)
        chosen = startable([unfinished[number] for number in sorted(unfinished)], set(), limit, NOW)
        assert len(chosen) <= limit
        for each in chosen:
            done = replace(each, state=JobState.RUNNING, prepared={"lines": 1})
            unfinished[each.id] = done
            pusher = each.source["pusher"]
            held[pusher] = [done if one.id == done.id else one for one in held[pusher]]
    assert not unfinished


def test_a_later_job_of_a_model_does_not_overtake_one_that_pauses() -> None:
    """Otherwise the older version would go live last."""
    pausing, later = job(1, not_before=NOW + timedelta(seconds=5)), job(2)

    assert startable([pausing, later], set(), 2, NOW) == []
    assert startable([pausing, later], set(), 2, NOW + timedelta(seconds=6)) == [pausing]


def test_a_pause_that_a_clock_set_back_would_make_days_is_over() -> None:
    written = next_attempt(ATTEMPTS - 1, NOW + timedelta(days=1), 0.999)
    assert startable([job(1, not_before=written)], set(), 2, NOW)
    assert not startable([job(1, not_before=next_attempt(ATTEMPTS - 1, NOW, 0.999))], set(), 2, NOW)


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
        (None, THERE, RecoveryVerdict.AGAIN),
        (None, GONE, RecoveryVerdict.FAILED),
        ({"lines": 3}, THERE, RecoveryVerdict.GO_ON),
        ({"lines": 3}, GONE, RecoveryVerdict.FAILED),
        ({"lines": 3}, JobTraces(False, False, True, True), RecoveryVerdict.GO_ON),
        ({"lines": 3}, JobTraces(True, False, True, True), RecoveryVerdict.SUCCEEDED),
        (None, JobTraces(False, True, False, False), RecoveryVerdict.FAILED),
    ],
)
def test_a_push_whose_deployer_died_is_live_or_begins_anew_or_has_failed(
    prepared: dict[str, object] | None, seen: JobTraces, expected: RecoveryVerdict
) -> None:
    what, why = verdict(job(1, state=JobState.RUNNING, attempts=1, prepared=prepared), seen)

    assert what is expected
    assert ("push again" in why) is (what is RecoveryVerdict.FAILED)


def test_a_job_that_ends_its_deployer_again_and_again_is_given_up() -> None:
    what, why = verdict(job(1, state=JobState.RUNNING, attempts=LIVES), THERE)

    assert what is RecoveryVerdict.FAILED
    assert "tidegate logs deployer" in why


def test_a_job_from_github_needs_nobody_who_waits() -> None:
    running = job(1, kind="github", state=JobState.RUNNING, attempts=1)

    assert verdict(running, GONE)[0] is RecoveryVerdict.AGAIN
    assert verdict(job(1, kind="github", prepared={"lines": 1}), GONE)[0] is RecoveryVerdict.GO_ON
