"""Fetches one commit of a repository elsewhere: any clone URL, with a token or a deploy key where it needs one."""

import asyncio
import base64
import os
import re
import shlex
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_S = 600.0
KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "TIDEGATE_STACK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PASSING = re.compile(
    r"could not resolve|couldn't resolve|failed to connect|couldn't connect|connection (?:refused|reset|closed)"
    r"|timed out|early eof|unexpected disconnect|remote end hung up|http 5\d\d|returned error: (?:5\d\d|429)"
    r"|temporary failure|network is unreachable|no route to host",
    re.IGNORECASE,
)
_GONE = re.compile(r"not our ref|couldn't find remote ref|unadvertised object", re.IGNORECASE)
_DENIED = re.compile(r"authentication failed|could not read username|permission denied|error: 40[13]", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


class FetchError(Exception):
    """The commit cannot be fetched."""

    def __init__(self, reason: str, *, can_pass: bool) -> None:
        super().__init__(reason)
        self.can_pass = can_pass


@dataclass(frozen=True)
class Remote:
    url: str
    token: str | None = None
    """For http and https."""
    deploy_key: Path | None = None
    """For ssh: a private key."""
    known_hosts: Path = Path(os.devnull)
    """Where the keys of ssh servers are kept; a server that is new is believed once."""


async def fetch(remote: Remote, commit: str, branch: str, repository: Path) -> None:
    """Make a bare repository that holds the commit.

    Raises:
        FetchError: what git said, and whether it may be otherwise in a moment.
    """
    environment = fetch_environment(remote)
    await _git(environment, "init", "--quiet", "--bare", "--template=", str(repository))
    options = ("--git-dir", str(repository), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
    try:
        await _git(environment, *options, "--depth=1", remote.url, commit)
    except FetchError as error:
        if not _GONE.search(str(error)):
            raise
        # Some servers hand out branches only.
        await _git(environment, *options, remote.url, f"refs/heads/{branch}")
        await _require(environment, repository, commit, branch)


def fetch_environment(remote: Remote) -> dict[str, str]:
    """Of git: secrets go through it, never through the arguments, which every user can read."""
    proxies = {name for kind in PROXIES for name in (kind, kind.upper())}
    environment = {name: os.environ[name] for name in (*KEPT, *proxies) if name in os.environ}
    environment |= {
        "LANG": "C.UTF-8",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:http:https:ssh",
        "GIT_SSH_COMMAND": _ssh(remote),
    }
    address = urlsplit(remote.url)
    if remote.token is not None and address.scheme in ("http", "https"):
        basic = base64.b64encode(f"x-access-token:{remote.token}".encode()).decode()
        host = f"{address.scheme}://{address.netloc.rpartition('@')[2]}/"
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            # For this host only: a redirect elsewhere does not get it.
            "GIT_CONFIG_KEY_0": f"http.{host}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    return environment


def without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("//***@", text)


def _ssh(remote: Remote) -> str:
    hosts = f"-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={shlex.quote(str(remote.known_hosts))}"
    key = f" -o IdentitiesOnly=yes -i {shlex.quote(str(remote.deploy_key))}" if remote.deploy_key is not None else ""
    return f"ssh -F none -o BatchMode=yes {hosts}{key}"


async def _require(environment: dict[str, str], repository: Path, commit: str, branch: str) -> None:
    try:
        await _git(environment, "--git-dir", str(repository), "cat-file", "-e", f"{commit}^{{commit}}")
    except FetchError as error:
        reason = f"commit {commit[:12]} is not in {branch} any more: was it rewritten? A new push brings the new one"
        raise FetchError(reason, can_pass=False) from error


async def _git(environment: dict[str, str], *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    except TimeoutError:
        raise FetchError(f"git gave no answer in {TIMEOUT_S:g} s", can_pass=True) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise _error(without_credentials(output.decode(errors="replace")).strip())


def _error(said: str) -> FetchError:
    if _DENIED.search(said):
        fix = "Set TIDEGATE_GITHUB_TOKEN or TIDEGATE_GITHUB_DEPLOY_KEY to one that may read it."
        return FetchError(f"the repository cannot be fetched: {said}. {fix}", can_pass=False)
    return FetchError(f"the repository cannot be fetched: {said}", can_pass=bool(_PASSING.search(said)))
