"""Which jobs start now. Pure."""

from collections.abc import Collection, Hashable, Sequence
from datetime import datetime

from storage.registry import Job, JobState
from tidegate.deployer.jobs.pushes_together import push_of
from tidegate.deployer.jobs.retrying import LONGEST_PAUSE


def startable(unfinished: Sequence[Job], running: Collection[int], limit: int, now: datetime) -> list[Job]:
    """The queued jobs to start.

    Jobs of one model go one after the other in their order: a later one waits even while an earlier one pauses before
    its next attempt, since otherwise the older version would go live last. One that is prepared waits for git, and git
    for every branch of its push: so the others of that push go before whatever came in between, and it takes nobody's
    place. Else it would wait for a job that waits for it.

    Args:
        unfinished: all jobs that are not over, oldest first.
        running: ids of those that run.
        limit: how many may be worked on at once.
        now: jobs that are to wait longer stay.
    """
    prepared = {job.id for job in unfinished if job.prepared is not None}
    free = max(0, limit - len(set(running) - prepared))
    waiting = [job for job in _next_of_each_model(unfinished) if job.state is JobState.QUEUED and job.id not in running]
    return [job for job in waiting if not _pauses(job, now)][:free]


def _pauses(job: Job, now: datetime) -> bool:
    """Before its next attempt; a moment further ahead than any pause is long was written by a clock since set back."""
    return job.not_before is not None and now < job.not_before <= now + LONGEST_PAUSE


def _next_of_each_model(unfinished: Sequence[Job]) -> list[Job]:
    """The first of the oldest push of each model that is not prepared."""
    pushes: dict[tuple[str, str], Hashable] = {}
    found: dict[tuple[str, str], Job] = {}
    for job in unfinished:
        model = (job.workspace, job.model)
        is_of_oldest = pushes.setdefault(model, push_of(job)) == push_of(job)
        if is_of_oldest and job.prepared is None:
            found.setdefault(model, job)
    return sorted(found.values(), key=lambda job: job.id)


def ahead_of(job: Job, unfinished: Sequence[Job]) -> Job | None:
    """The last job of its model for which it waits: of an earlier push, or before it in its own."""
    of_model = [other for other in unfinished if (other.workspace, other.model) == (job.workspace, job.model)]
    began: dict[Hashable, int] = {}
    for other in (*of_model, job):
        began[push_of(other)] = min(other.id, began.get(push_of(other), other.id))

    def place(one: Job) -> tuple[int, int]:
        return began[push_of(one)], one.id

    ahead = [
        other
        for other in of_model
        if place(other) < place(job) and not (other.prepared is not None and push_of(other) == push_of(job))
    ]
    return max(ahead, key=place, default=None)
