"""What becomes of a job whose deployer died: pure, from what can be seen of it."""

from dataclasses import dataclass
from enum import Enum

from storage.registry import Job

LIVES = 3
"""Deployers that may die with one job in them: more would be its fault."""


class RecoveryVerdict(Enum):
    SUCCEEDED = "succeeded"
    """Its version has the traffic: only the last words are missing."""
    GO_ON = "go on"
    """It is prepared, and waits for git or for the switch."""
    AGAIN = "again"
    FAILED = "failed"


@dataclass(frozen=True)
class JobTraces:
    """What can be seen of a job after its deployer has died."""

    was_live: bool
    """Its deployment got the traffic."""
    pusher_lives: bool
    """Somebody waits for it, and git can still take its commit."""
    is_taken: bool
    """Git has its commit."""
    has_files: bool


def verdict(job: Job, seen: JobTraces) -> tuple[RecoveryVerdict, str]:
    """What to do, and why where it has failed."""
    if seen.was_live:
        return RecoveryVerdict.SUCCEEDED, ""
    is_push = job.kind == "push"
    if job.prepared is not None and (not is_push or seen.is_taken or seen.pusher_lives):
        return RecoveryVerdict.GO_ON, ""
    if is_push and not seen.pusher_lives:
        return RecoveryVerdict.FAILED, "the deployer ended, and the push with it: push again"
    if job.attempts >= LIVES:
        why = f"the deployer ended {job.attempts} times with this job in it"
        return RecoveryVerdict.FAILED, f"{why}: see `tidegate logs deployer`, then push again"
    if is_push and not seen.has_files:
        return RecoveryVerdict.FAILED, "its files are gone from the staging folder: push again"
    return RecoveryVerdict.AGAIN, ""
