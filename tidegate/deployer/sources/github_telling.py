"""What GitHub is told of one job: that it began, in the background, and how it ended."""

import asyncio

from model_runner import watched
from storage.registry import Job, JobState
from tidegate.deployer.sources.github_api import GithubApi

STATES = {JobState.SUCCEEDED: "success", JobState.FAILED: "failure", JobState.CANCELLED: "error"}


class GithubTelling:
    def __init__(self, api: GithubApi, url: str, branch: str) -> None:
        """`branch` is the one that goes live; `url` where the model answers."""
        self._api = api
        self._url = url
        self._environment = "production" if branch in ("main", "master") else branch
        self._deployment: int | None = None
        self._beginning: asyncio.Task[None] | None = None

    def begin(self, job: Job) -> None:
        self._beginning = watched.begin(self._tell_began(job), f"telling GitHub of job {job.id}")

    async def end(self, job: Job) -> None:
        """Once the beginning is told."""
        try:
            if self._beginning is not None:
                await asyncio.wait({self._beginning})
            await self._tell_ended(job)
        finally:
            await self._api.close()

    async def _tell_began(self, job: Job) -> None:
        await self._api.commit_status(job.commit, "pending", f"Job {job.id} deploys it", _context(job), self._url)
        environment = f"preview/{job.branch}" if _is_preview(job) else self._environment
        self._deployment = await self._api.create_deployment(job.commit, environment)
        if self._deployment is not None:
            await self._api.deployment_status(self._deployment, "in_progress", f"Job {job.id} deploys it", self._url)

    async def _tell_ended(self, job: Job) -> None:
        state, text = STATES[job.state], _outcome(job)
        await self._api.commit_status(job.commit, state, text, _context(job), self._url)
        if self._deployment is not None:
            await self._api.deployment_status(self._deployment, state, text, self._url)


def _outcome(job: Job) -> str:
    if job.state is not JobState.SUCCEEDED:
        return job.error or job.state.value
    if job.prepared is None:
        return "Nothing changed in its folder"
    what = f"the preview of {job.branch}" if _is_preview(job) else "live"
    return f"Version {job.prepared.get('version')} is {what}"


def _is_preview(job: Job) -> bool:
    return bool(job.source.get("preview"))


def _context(job: Job) -> str:
    """One for the preview and one for production: a commit may be both."""
    return f"tidegate/{job.model}" + ("/preview" if _is_preview(job) else "")
