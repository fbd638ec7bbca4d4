"""Jobs of GitHub's webhook: the commit is fetched, and GitHub is told what became of it."""

import asyncio
import shutil
import time
from pathlib import Path

from gateway.git.export import export
from gateway.routes import predict_path
from model_runner import watched
from model_runner.folder_bounds import FolderBounds, FolderError
from storage.registry import Job, JobState, branch_slug
from tidegate.deployer.fetching import FetchError, fetch
from tidegate.deployer.github_api import GithubApi
from tidegate.deployer.job_run import Files, JobFailedError
from tidegate.deployer.remote import Remote, fetch_environment

STATES = {JobState.SUCCEEDED: "success", JobState.FAILED: "failure", JobState.CANCELLED: "error"}


class GithubOrigin:
    """An Origin."""

    def __init__(
        self,
        remote: Remote,
        api: GithubApi | None,
        staging: Path,
        url: str,
        branch: str,
        bounds: FolderBounds,
        max_bytes: int,
    ) -> None:
        self._max_bytes = max_bytes
        self._bounds = bounds
        self._remote = remote
        self._api = api
        self._staging = staging
        self._url = url
        self._environment = "production" if branch in ("main", "master") else branch
        self._deployments: dict[int, int] = {}
        self._telling: dict[int, asyncio.Task[None]] = {}

    async def files(self, job: Job) -> Files:
        """Raises JobFailedError: it cannot be fetched, or holds what is not taken."""
        began = time.monotonic()
        scratch = self._staging / f"job-{job.id}"
        repository, folder = scratch / "repository.git", scratch / "files"
        await asyncio.to_thread(_make_anew, scratch, folder)
        try:
            await fetch(self._remote, job.commit, job.branch, repository, self._max_bytes)
            environment = fetch_environment(self._remote)
            await asyncio.to_thread(export, job.commit, folder, None, self._bounds, environment, str(repository))
        except FetchError as error:
            raise JobFailedError("receive", str(error), can_pass=error.can_pass) from error
        except FolderError as error:
            raise JobFailedError("receive", str(error)) from error
        return Files(str(folder), time.monotonic() - began, self._url)

    async def began(self, job: Job) -> None:
        """In the background: a job does not wait for GitHub."""
        if self._api is not None:
            self._telling[job.id] = watched.begin(self._tell_began(self._api, job), f"telling GitHub of job {job.id}")

    async def ended(self, job: Job) -> None:
        if self._api is None:
            return
        telling = self._telling.pop(job.id, None)
        if telling is not None:
            await asyncio.wait({telling})
        await self._tell_ended(self._api, job)

    async def _tell_began(self, api: GithubApi, job: Job) -> None:
        context, url = _context(job), self._address(job)
        await api.commit_status(job.commit, "pending", f"Job {job.id} deploys it", context, url)
        environment = f"preview/{job.branch}" if _is_preview(job) else self._environment
        deployment = await api.create_deployment(job.commit, environment)
        if deployment is not None:
            self._deployments[job.id] = deployment
            await api.deployment_status(deployment, "in_progress", f"Job {job.id} deploys it", url)

    async def _tell_ended(self, api: GithubApi, job: Job) -> None:
        state, url = STATES[job.state], self._address(job)
        version = (job.prepared or {}).get("version")
        what = f"the preview of {job.branch}" if _is_preview(job) else "live"
        text = f"Version {version} is {what}" if job.state is JobState.SUCCEEDED else job.error or job.state.value
        await api.commit_status(job.commit, state, text, _context(job), url)
        deployment = self._deployments.pop(job.id, None)
        if deployment is not None:
            await api.deployment_status(deployment, state, text, url)

    def _address(self, job: Job) -> str:
        slug = branch_slug(job.branch) if _is_preview(job) else None
        return self._url + predict_path(job.workspace, job.model, slug)


def _is_preview(job: Job) -> bool:
    return bool(job.source.get("preview"))


def _context(job: Job) -> str:
    """One for the preview and one for production: a commit may be both."""
    return f"tidegate/{job.model}" + ("/preview" if _is_preview(job) else "")


def _make_anew(scratch: Path, folder: Path) -> None:
    """What a former attempt has left is in the way."""
    shutil.rmtree(scratch, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
