"""Following a job by the management API: a caller that waits hears of a line when it is said."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.refusals import Refusal
from storage import registry
from storage.registry import Database, JobState
from tests.support.jobs import new_job
from tests.support.waiting import wait_until
from tidegate.management.jobs import MOST_FOLLOWERS, JobsOfRegistry


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    dsn = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    registry.upgrade(dsn)
    return dsn


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    opened = Database(dsn)
    yield opened
    opened.close()


@pytest.fixture
def jobs(dsn: str, tmp_path: Path) -> JobsOfRegistry:
    return JobsOfRegistry(dsn, tmp_path / "no-deployer")


def test_who_waits_gets_the_next_line_at_once_and_the_end_too(jobs: JobsOfRegistry, database: Database) -> None:
    number = registry.submit_job(database, new_job()).id
    registry.say(database, number, ["one"])
    began = time.monotonic()
    threading.Timer(0.3, registry.say, (database, number, ["two"])).start()
    second = jobs.log(number, after=1, wait_s=20)
    threading.Timer(0.3, registry.end_job, (database, number, JobState.FAILED)).start()
    end = jobs.log(number, after=2, wait_s=20)

    assert [(line.number, line.text) for line in second.lines] == [(2, "two")]
    assert (second.is_over, second.state) == (False, "queued")
    assert (end.lines, end.is_over, end.state) == ([], True, "failed")
    assert time.monotonic() - began < 15
    assert jobs.log(number, after=2, wait_s=20).is_over, "what is over is not waited for"


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**400])
def test_numbers_that_no_job_has_are_unknown_whatever_their_size(
    jobs: JobsOfRegistry, database: Database, number: int
) -> None:
    for ask in (jobs.job, lambda job: jobs.log(job, after=0, wait_s=0)):
        with pytest.raises(Refusal) as raised:
            ask(number)
        assert raised.value.status == 404
    known = registry.submit_job(database, new_job()).id
    registry.say(database, known, ["one"])
    assert jobs.log(known, after=max(0, number), wait_s=0).lines == [] or number < 1


def test_who_waits_for_nothing_is_answered_in_time_and_too_many_are_refused(
    jobs: JobsOfRegistry, database: Database
) -> None:
    number = registry.submit_job(database, new_job()).id
    assert jobs.log(number, after=0, wait_s=0.3).lines == []
    waiting = [threading.Thread(target=_follow, args=(jobs, number)) for _ in range(MOST_FOLLOWERS)]
    for each in waiting:
        each.start()
    refusal = wait_until(lambda: _refusal(jobs, number), 10, "all of them to wait")
    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.retry_after_s) == (503, "busy", 5)
    assert "follow jobs already" in refusal.message
    registry.say(database, number, ["said"])
    for each in waiting:
        each.join(60)
    assert [line.text for line in jobs.log(number, after=0, wait_s=20).lines] == ["said"]


def _refusal(jobs: JobsOfRegistry, number: int) -> Refusal | None:
    try:
        jobs.log(number, after=0, wait_s=0.01)
    except Refusal as refusal:
        return refusal
    return None


def _follow(jobs: JobsOfRegistry, number: int) -> None:
    """Until there is a line, as a patient caller does."""
    while True:
        try:
            if jobs.log(number, after=0, wait_s=20).lines:
                return
        except Refusal:
            time.sleep(0.02)


def test_a_cancel_without_a_deployer_says_so(jobs: JobsOfRegistry, database: Database) -> None:
    number = registry.submit_job(database, new_job()).id
    with pytest.raises(Refusal, match="was not cancelled: the deployer does not answer") as refused:
        jobs.cancel(number)
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert jobs.job(number).state == "queued"
