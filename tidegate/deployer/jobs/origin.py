"""Where the files of a kind of jobs come from, and who is told of such a job."""

from dataclasses import dataclass
from typing import Protocol

from storage.registry import Job


@dataclass(frozen=True)
class Files:
    """A model folder that is the job's own."""

    folder: str
    received_s: float
    url: str
    """Base URL to show."""


class Origin(Protocol):
    """Where the files of a kind of jobs come from, and who is told of it."""

    async def files(self, job: Job) -> Files:
        """Raises JobFailedError, NothingToDoError."""

    async def confirm(self, job: Job) -> None:
        """Right before the switch. Raises JobFailedError: it must not be."""

    async def began(self, job: Job) -> None: ...

    async def ended(self, job: Job) -> None: ...
