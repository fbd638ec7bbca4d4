"""Jobs of GitHub's webhook: the commit is fetched, and GitHub is told what became of it."""

import asyncio
import shutil
import time
from pathlib import Path

from gateway.git.content.export import export
from gateway.routing.routes import predict_path
from model_runner.folder.bounds import FolderBounds, FolderError
from storage.registry import Job, JobState, branch_slug
from tidegate.deployer.jobs.job_ends import JobFailedError, NothingToDoError
from tidegate.deployer.jobs.origin import Files
from tidegate.deployer.sources.fetching import FetchError, fetch, head_of, tree_of
from tidegate.deployer.sources.github_api import GithubApi
from tidegate.deployer.sources.github_telling import GithubTelling
from tidegate.deployer.sources.remote import Remote, fetch_environment
from tidegate.github.connection import Connection
from tidegate.github.connections import Connections
from tidegate.github.sealing import SealedError


class GithubOrigin:
    """An Origin. What a job is to be fetched with is looked up anew each time: it may have been disconnected."""

    def __init__(
        self,
        connections: Connections,
        home: Path,
        *,
        url: str,
        api_url: str,
        bounds: FolderBounds,
        max_bytes: int,
    ) -> None:
        self._connections = connections
        self._staging = home / "staging"
        self._known_hosts = home / "known_hosts"
        self._url = url
        self._api_url = api_url
        self._bounds = bounds
        self._max_bytes = max_bytes
        self._trees: dict[int, str] = {}
        self._telling: dict[int, GithubTelling] = {}

    async def files(self, job: Job) -> Files:
        """Raises JobFailedError: it cannot be fetched, or holds what is not taken. NothingToDoError."""
        began = time.monotonic()
        connection = await self._connection(job, "receive")
        scratch = self._staging / f"job-{job.id}"
        repository, folder = scratch / "repository.git", scratch / "files"
        await asyncio.to_thread(_make_anew, scratch, folder)
        remote = await asyncio.to_thread(self._remote, connection, scratch)
        try:
            await self._refuse_stale(job, remote, "receive")
            await fetch(remote, job.commit, job.branch, repository, self._max_bytes)
            tree = await self._tree(job, connection, remote, repository)
            environment = fetch_environment(remote)
            await asyncio.to_thread(export, tree, folder, None, self._bounds, environment, str(repository))
        except FetchError as error:
            raise JobFailedError("receive", str(error), can_pass=error.can_pass) from error
        except FolderError as error:
            raise JobFailedError("receive", str(error)) from error
        return Files(str(folder), time.monotonic() - began, self._url)

    async def confirm(self, job: Job) -> None:
        """Whether the branch is still there: an old delivery that is sent again must not bring an old commit back.

        Raises:
            JobFailedError: it has moved on, or nobody can tell.
        """
        connection = await self._connection(job, "switch")
        scratch = self._staging / f"job-{job.id}"
        try:
            remote = await asyncio.to_thread(self._remote, connection, scratch)
            await self._refuse_stale(job, remote, "switch")
        except FetchError as error:
            raise JobFailedError("switch", str(error), can_pass=error.can_pass) from error

    async def began(self, job: Job) -> None:
        """In the background: a job does not wait for GitHub."""
        try:
            connection = await self._connection(job, "receive")
        except JobFailedError:
            return
        if connection.token is not None:
            api = GithubApi(self._api_url, connection.repository, connection.token)
            self._telling[job.id] = GithubTelling(api, self._address(job), connection.branch)
            self._telling[job.id].begin(job)

    async def ended(self, job: Job) -> None:
        tree = self._trees.pop(job.id, None)
        if tree is not None and job.state is JobState.SUCCEEDED and job.prepared is not None:
            await asyncio.to_thread(self._connections.note_deployed, int(job.source.get("connection", 0)), tree)
        if job.id not in self._telling and job.attempts:
            # Its first deployer has died: the next one tells the end.
            await self.began(job)
        telling = self._telling.pop(job.id, None)
        if telling is not None:
            await telling.end(job)

    async def _connection(self, job: Job, stage: str) -> Connection:
        try:
            found = await asyncio.to_thread(self._connections.get, int(job.source.get("connection", 0)))
        except SealedError as error:
            raise JobFailedError(stage, str(error)) from error
        if found is None:
            raise JobFailedError(stage, "the repository was disconnected: connect it again, and redeliver the push")
        return found

    def _remote(self, connection: Connection, scratch: Path) -> Remote:
        """ssh wants its key as a file; it goes with the job's folder."""
        key = None
        if connection.deploy_key is not None:
            key = scratch / "key"
            scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
            key.unlink(missing_ok=True)
            key.touch(0o600, exist_ok=False)
            key.write_text(connection.deploy_key.strip() + "\n", "ascii", "replace")
        return Remote(connection.url, connection.token, key, self._known_hosts)

    async def _refuse_stale(self, job: Job, remote: Remote, stage: str) -> None:
        head = await head_of(remote, job.branch)
        if head == job.commit:
            return
        now = f"at {head[:12]}" if head else "gone"
        found = f"{job.branch} is {now} there, and this push brought {job.commit[:12]}: an older commit is not deployed"
        fix = "The push of the newer one deploys that. To have an older version again use `tidegate rollback`"
        raise JobFailedError(stage, f"{found}. {fix}")

    async def _tree(self, job: Job, connection: Connection, remote: Remote, repository: Path) -> str:
        """What to export. Raises JobFailedError, NothingToDoError."""
        if not connection.path:
            return job.commit
        tree = await tree_of(remote, repository, job.commit, connection.path)
        if tree is None:
            fix = "Push it there, or connect the repository again with another --path"
            raise JobFailedError("receive", f"the commit has no folder {connection.path}. {fix}")
        if job.source.get("preview"):
            return tree
        if tree == connection.deployed_tree:
            raise NothingToDoError(f"nothing in {connection.path} changed since it was deployed: what is live stays")
        self._trees[job.id] = tree
        return tree

    def _address(self, job: Job) -> str:
        slug = branch_slug(job.branch) if job.source.get("preview") else None
        return self._url + predict_path(job.workspace, job.model, slug)


def _make_anew(scratch: Path, folder: Path) -> None:
    """What a former attempt has left is in the way."""
    shutil.rmtree(scratch, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
