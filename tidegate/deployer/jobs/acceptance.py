"""Whether git took the commit that a job has prepared. What counts is the branch in the repository."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress

import psutil

from storage.registry import Job

LOOK_S = 0.5
"""Between two looks at the branch, while git's own word is awaited."""


def born(pid: int) -> float | None:
    """When the process was started, which tells it from a later one with its number; None where it has ended."""
    with suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return None


def pusher_lives(job: Job) -> bool:
    """Whether the git that receives this push still runs."""
    since = job.source.get("pusher_since")
    return since is not None and born(int(job.source["pusher"])) == since


async def commit_of(repository: str, branch: str) -> str | None:
    """The commit that the branch is at; None where there is no such branch."""
    command = ("git", "-c", "safe.directory=*", "--git-dir", repository, "rev-parse", "--verify", "--quiet")
    process = await asyncio.create_subprocess_exec(
        *command, f"refs/heads/{branch}", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    out, _ = await process.communicate()
    return out.decode().strip() or None


async def accepted(job: Job, told: asyncio.Event) -> bool:
    """Wait until git took the commit (True), or never will (False: it has ended, and the branch is elsewhere)."""
    while True:
        lives = pusher_lives(job)
        with suppress(TimeoutError):
            # What git decided before it ended is in the repository already.
            async with asyncio.timeout(LOOK_S if lives else 0.01):
                await told.wait()
        if told.is_set() or await commit_of(job.source["repository"], job.branch) == job.commit:
            return True
        if not lives:
            return False
