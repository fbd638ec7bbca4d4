"""Fetches one commit of a repository elsewhere: any clone URL, within a bound, and told apart what may pass."""

import asyncio
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from contextlib import suppress
from pathlib import Path

from gateway.git.memory import MEMORY_BYTES, NO_MEMORY, says_no_memory
from model_runner.plain_text import plain
from tidegate.deployer.sources.remote import Remote, fetch_environment, without_credentials

TIMEOUT_S = 600.0
SAID_BYTES = 16_000
"""Of what git, and the server through it, has to say."""
MAX_BYTES = 2_000_000_000
_LIMITED = 'ulimit -f "$1"; ulimit -d "$2" 2>/dev/null; shift 2; exec git "$@"'
_BLOCK = 512
_PASSING = re.compile(
    r"could not resolve|couldn't resolve|failed to connect|couldn't connect|connection (?:refused|reset|closed)"
    r"|timed out|early eof|unexpected disconnect|remote end hung up|http 5\d\d|returned error: (?:5\d\d|429)"
    r"|temporary failure|network is unreachable|no route to host",
    re.IGNORECASE,
)
_GONE = re.compile(r"not our ref|couldn't find remote ref|unadvertised object", re.IGNORECASE)
_DENIED = re.compile(r"authentication failed|could not read username|permission denied|error: 40[13]", re.IGNORECASE)
_REDIRECTED = re.compile(r"error: 30\d|redirect", re.IGNORECASE)
_STRANGER = re.compile(r"host key verification failed|remote host identification has changed", re.IGNORECASE)
_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class FetchError(Exception):
    """The commit cannot be fetched."""

    def __init__(self, reason: str, *, can_pass: bool) -> None:
        super().__init__(reason)
        self.can_pass = can_pass


async def fetch(remote: Remote, commit: str, branch: str, repository: Path, max_bytes: int = MAX_BYTES) -> None:
    """Make a bare repository that holds the commit, in no more bytes than this.

    Raises:
        FetchError: what git said, and whether it may be otherwise in a moment.
    """
    await _git(remote, max_bytes, "init", "--quiet", "--bare", "--template=", str(repository))
    options = ("--git-dir", str(repository), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
    try:
        await _git(remote, max_bytes, *options, "--depth=1", "--", remote.url, commit)
    except FetchError as error:
        _refuse_full(repository, max_bytes)
        if not _GONE.search(str(error)):
            raise
        # Some servers hand out branches only.
        try:
            await _git(remote, max_bytes, *options, "--", remote.url, f"refs/heads/{branch}")
        finally:
            _refuse_full(repository, max_bytes)
        await _require(remote, repository, commit, branch)


def _refuse_full(repository: Path, max_bytes: int) -> None:
    """Git was ended where its pack would have become larger, and says nothing of the reason."""
    if any(path.stat().st_size >= max_bytes for path in (repository / "objects" / "pack").glob("*")):
        fix = "Commit only what the model needs, or raise TIDEGATE_MAX_PUSH_BYTES"
        raise FetchError(f"the commit has more than {max_bytes:,} bytes packed. {fix}", can_pass=False)


async def head_of(remote: Remote, branch: str) -> str | None:
    """The commit that the branch is at there, now; None where there is no such branch.

    Raises:
        FetchError: nobody can tell.
    """
    said = await _git(remote, MAX_BYTES, "ls-remote", "--", remote.url, f"refs/heads/{branch}")
    for line in said.splitlines():
        name, _, ref = line.partition("\t")
        if ref.strip() == f"refs/heads/{branch}" and _NAME.fullmatch(name):
            return name
    return None


async def tree_of(remote: Remote, repository: Path, commit: str, path: str) -> str | None:
    """Name of the folder's tree in a commit that was fetched; None where it has no such folder."""
    try:
        said = await _git(
            remote, MAX_BYTES, "--git-dir", str(repository), "rev-parse", "--verify", "--quiet", f"{commit}:{path}"
        )
    except FetchError:
        return None
    return said.strip() if _NAME.fullmatch(said.strip()) else None


async def _require(remote: Remote, repository: Path, commit: str, branch: str) -> None:
    try:
        await _git(remote, MAX_BYTES, "--git-dir", str(repository), "cat-file", "-e", f"{commit}^{{commit}}")
    except FetchError as error:
        reason = f"commit {commit[:12]} is not in {branch} any more: was it rewritten? A new push brings the new one"
        raise FetchError(reason, can_pass=False) from error


async def _git(remote: Remote, max_bytes: int, *arguments: str) -> str:
    """What it said, the first of it. Raises FetchError."""
    limits = (str(-(-max_bytes // _BLOCK)), str(MEMORY_BYTES // 1024))
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        _LIMITED,
        "sh",
        *limits,
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=fetch_environment(remote),
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            said = await _said(process)
    except TimeoutError:
        raise FetchError(f"git gave no answer in {TIMEOUT_S:g} s", can_pass=True) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise _error(said, remote.known_hosts)
    return said


async def _said(process: Process) -> str:
    """To its end; a server that talks for ever fills no memory."""
    said = b""
    while process.stdout is not None and (chunk := await process.stdout.read(65_536)):
        said = (said + chunk)[:SAID_BYTES]
    await process.wait()
    return without_credentials(said.decode(errors="replace"))


def _error(said: str, known_hosts: Path | None) -> FetchError:
    text = f"the repository cannot be fetched: {plain(said, 500)}"
    if says_no_memory(said.encode()):
        return FetchError(f"the repository cannot be fetched: {NO_MEMORY}", can_pass=False)
    if _STRANGER.search(said):
        return FetchError(_stranger(known_hosts), can_pass=False)
    if _DENIED.search(said):
        fix = "Connect it again with a --token-file or --deploy-key-file that may read it."
        return FetchError(f"{text}. {fix}", can_pass=False)
    if _REDIRECTED.search(said):
        fix = "It answers with a redirect, which is not followed: connect the repository by its present name."
        return FetchError(f"{text}. {fix}", can_pass=False)
    return FetchError(text, can_pass=bool(_PASSING.search(said)))


def _stranger(known_hosts: Path | None) -> str:
    """ssh's own words are long, and tell the operator to change a file of their own."""
    fix = f"If it was given a new one, remove its line from {known_hosts}, and redeliver the push"
    return (
        "the repository cannot be fetched: its ssh server shows another key than the one that is known of it, so "
        f"somebody else may answer in its place. {fix if known_hosts else 'Ask who runs it'}."
    )
