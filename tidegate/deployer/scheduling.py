"""Which jobs start now. Pure."""

from collections.abc import Sequence
from datetime import datetime

from storage.registry import Job, JobState


def startable(unfinished: Sequence[Job], running: set[int], limit: int, now: datetime) -> list[Job]:
    """The queued jobs to start.

    Jobs of one model go one after the other in their order: a later one waits even while an earlier one pauses before
    its next attempt, since otherwise the older version would go live last.

    Args:
        unfinished: all jobs that are not over, oldest first.
        running: ids of those that run.
        limit: how many may run at once.
        now: jobs that are to wait longer stay.
    """
    free = limit - len(running)
    busy: set[tuple[str, str]] = set()
    chosen = []
    for job in unfinished:
        key = (job.workspace, job.model)
        waits = job.not_before is not None and job.not_before > now
        if job.id not in running and job.state is JobState.QUEUED and key not in busy and not waits and free > 0:
            chosen.append(job)
            free -= 1
        busy.add(key)
    return chosen


def ahead_of(job: Job, unfinished: Sequence[Job]) -> Job | None:
    """The last earlier job of its model, for which it waits."""
    earlier = [
        other
        for other in unfinished
        if other.id < job.id and (other.workspace, other.model) == (job.workspace, job.model)
    ]
    return earlier[-1] if earlier else None
