"""The registry's jobs: queued once, over once, with their log in order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import cast

import pytest

from storage import registry
from storage.registry import Database, JobOverError, JobState, UnknownJobError
from tests.support.jobs import NOW, new_job


def test_a_job_from_its_submission_to_its_end(database: Database) -> None:
    queued = registry.submit_job(database, new_job(), now=NOW)
    running = registry.begin_job(database, queued.id, "d1", now=NOW)
    registry.say(database, queued.id, ["one"], stage="check")
    registry.say(database, queued.id, ["two", "three"])
    prepared = registry.prepare_job(database, queued.id, {"version": 4})
    over = registry.end_job(database, queued.id, JobState.SUCCEEDED, now=NOW + timedelta(seconds=3))

    assert (queued.state, running.state, over.state) == (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED)
    assert (running.attempts, running.deployment_id, over.stage) == (1, "d1", "check")
    assert prepared.prepared == {"version": 4, "lines": 3}
    assert [line.text for line in registry.lines_of(database, queued.id, after=1)] == ["two", "three"]
    assert registry.unfinished_jobs(database, "here") == []
    assert registry.list_jobs(database, "market") == [over]


def test_what_is_over_stays_as_it_is(database: Database) -> None:
    """A cancelled job must not go live by what its process does a moment later."""
    number = registry.submit_job(database, new_job()).id
    registry.end_job(database, number, JobState.CANCELLED)

    for change in (
        partial(registry.begin_job, database, number, "d1"),
        partial(registry.prepare_job, database, number, {}),
        partial(registry.requeue_job, database, number),
        partial(registry.end_job, database, number, JobState.SUCCEEDED),
    ):
        with pytest.raises(JobOverError, match="cancelled already"):
            cast(Callable[[], object], change)()
    assert registry.get_job(database, number).state is JobState.CANCELLED


def test_a_webhook_that_comes_twice_makes_one_job(database: Database) -> None:
    first, is_new = registry.submit_delivery(database, "72d3162e", new_job(kind="github"))
    again, is_new_again = registry.submit_delivery(database, "72d3162e", new_job(kind="github"))

    assert (is_new, is_new_again) == (True, False)
    assert first.id == again.id
    assert len(registry.list_jobs(database)) == 1


def test_a_deployer_sees_its_own_jobs_only(database: Database) -> None:
    mine = registry.submit_job(database, new_job(owner="here"))
    registry.submit_job(database, new_job(owner="there"))

    assert [job.id for job in registry.unfinished_jobs(database, "here")] == [mine.id]


def test_the_newest_job_of_a_commit_is_found(database: Database) -> None:
    registry.submit_job(database, new_job(commit="a" * 40))
    newest = registry.submit_job(database, new_job(commit="a" * 40))
    registry.submit_job(database, new_job(commit="b" * 40))
    on_a_branch = registry.submit_job(database, replace(new_job(commit="a" * 40), branch="trial"))

    def found(commit: str, branch: str) -> int | None:
        job = registry.newest_job(database, "default", "market", commit, "push", branch=branch)
        return None if job is None else job.id

    assert found("a" * 40, "main") == newest.id
    assert found("a" * 40, "trial") == on_a_branch.id
    assert found("d" * 40, "main") is None


def test_an_unknown_job_is_said_to_be_so(database: Database) -> None:
    with pytest.raises(UnknownJobError, match="tidegate jobs"):
        registry.get_job(database, 7)


def test_a_version_that_never_had_traffic_is_used_again_for_the_same_content(database: Database) -> None:
    def version(sha: str) -> registry.Version:
        return registry.create_version(
            database, "market", artifact_url="file:///a", sha256=sha, format="pkl", input_schema=None, manifest={}
        )

    first = version("0" * 64)
    registry.create_deployment(database, first.id, deployment_id="d1")
    registry.fail_deployment(database, "d1", "no broker")

    assert registry.unused_version(database, "market", "0" * 64) == first
    assert registry.unused_version(database, "market", "1" * 64) is None
    assert registry.unused_version(database, "nobody", "0" * 64) is None

    registry.switch_route(database, registry.create_deployment(database, first.id).id)
    assert registry.unused_version(database, "market", "0" * 64) is None
