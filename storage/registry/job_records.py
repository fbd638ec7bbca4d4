"""Jobs as the registry hands them out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What a job is to do."""

    owner: str
    """The one deployer that works on it: others that share the registry have not its files."""
    kind: str
    """`push` or `github`."""
    workspace: str
    model: str
    branch: str
    commit: str
    source: dict[str, Any]
    """Where the files are, by kind."""


@dataclass(frozen=True, kw_only=True)
class Job(NewJob):
    id: int
    state: JobState
    stage: str
    """The last one that is done; empty before the first."""
    attempts: int
    created: datetime
    started: datetime | None
    ended: datetime | None
    not_before: datetime | None
    """Of a job that waits to be tried again."""
    deployment_id: str | None
    """Of its last attempt; chosen before there is such a deployment."""
    prepared: dict[str, Any] | None
    """Set when all but the switch is done: what is still to be said, and `lines`, how many had been said."""
    error: str | None

    @property
    def is_over(self) -> bool:
        return self.state not in UNFINISHED


@dataclass(frozen=True)
class JobLine:
    number: int
    """From 1."""
    moment: datetime
    text: str
