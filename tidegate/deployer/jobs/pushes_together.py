"""Jobs that one push brought: git decides on all of its branches together, when the last one is prepared. Pure."""

from collections.abc import Hashable

from storage.registry import Job


def push_of(job: Job) -> Hashable:
    """The same for jobs of one push, and for no others: which git receives it, or the job alone."""
    since = job.source.get("pusher_since")
    return job.id if since is None else (job.source.get("repository"), job.source.get("pusher"), since)


def branches_of(job: Job) -> int:
    """How many branches its push deploys."""
    return int(job.source.get("refs") or 1)
