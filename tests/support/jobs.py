"""Jobs for tests that need one as a value."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from storage.registry import Job, JobState, NewJob

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def new_job(model: str = "market", commit: str = "c" * 40, owner: str = "here", kind: str = "push") -> NewJob:
    return NewJob(
        owner=owner, kind=kind, workspace="default", model=model, branch="main", commit=commit, source={"folder": "/f"}
    )


def job(number: int = 1, **given: Any) -> Job:
    new = new_job()
    plain = Job(
        **{name: getattr(new, name) for name in ("owner", "kind", "workspace", "model", "branch", "commit", "source")},
        id=number,
        state=JobState.QUEUED,
        stage="",
        attempts=0,
        created=NOW,
        started=None,
        ended=None,
        not_before=None,
        deployment_id=None,
        prepared=None,
        error=None,
    )
    return replace(plain, **given)
