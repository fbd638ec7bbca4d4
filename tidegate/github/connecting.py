"""Makes a connection: what is asked for is judged, secrets are made where there are none, and sealed."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from model_runner.names import NAME_RULE, is_valid_name
from model_runner.plain_text import plain, printable
from storage import registry
from storage.registry import Database, GithubConnection, NewConnection
from tidegate.github.sealing import Sealer

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,250}"
"""Of a host or a user: what begins with a dash is an option to the programs that git starts."""
_HOST = rf"(?:{_NAME}|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?"
_URL = re.compile(
    rf"(?:https?|ssh)://(?:{_NAME}(?::[^\s/@]{{0,1000}})?@)?{_HOST}/[^\s]{{1,1000}}"
    rf"|file://[^\s]{{1,1000}}|{_NAME}@{_NAME}:[^\s]{{1,1000}}"
)
LEAST_SECRET = 16
MOST_TOKEN = 4000
MOST_KEY = 20_000


class ConnectError(Exception):
    """What is asked for cannot be connected; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """As somebody asks for it."""

    repository: str
    model: str
    workspace: str
    branch: str
    path: str = ""
    clone_url: str | None = None
    previews: bool = False
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    deploy_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Connected:
    connection: GithubConnection
    secret: str | None = field(repr=False)
    """To be shown once; None where the webhook of the repository has it already."""


def connect(database: Database, sealer: Sealer, wanted: Wanted, *, may_name_files: bool = False) -> Connected:
    """Store it, in the place of the connection that the model had.

    Args:
        may_name_files: whether the clone URL may be one of this machine or unencrypted; over the API it may not, or
            whoever has the token could read repositories that only the operator can.

    Raises:
        ConnectError: why not, and what to change.
    """
    _refuse(wanted, may_name_files=may_name_files)
    known = [one.secret for one in registry.github_connections(database, wanted.repository)]
    shown = wanted.secret or (None if known else secrets.token_hex(32))
    new = NewConnection(
        repository=wanted.repository,
        workspace=wanted.workspace,
        model=wanted.model,
        branch=wanted.branch,
        path=_folder(wanted.path),
        clone_url=wanted.clone_url,
        previews=wanted.previews,
        # One repository has one webhook for all its models, and so one secret.
        secret=known[0] if shown is None else sealer.seal(shown),
        token=None if wanted.token is None else sealer.seal(wanted.token),
        deploy_key=None if wanted.deploy_key is None else sealer.seal(wanted.deploy_key),
    )
    return Connected(registry.connect_github(database, new), shown)


def _refuse(wanted: Wanted, *, may_name_files: bool) -> None:
    if not _REPOSITORY.fullmatch(wanted.repository):
        raise ConnectError(f"{plain(wanted.repository, 80)!r} is no repository of GitHub: write OWNER/NAME")
    for name in (wanted.workspace, wanted.model):
        if not is_valid_name(name):
            raise ConnectError(f"{plain(name, 80)!r} cannot be a model's or a workspace's name: use {NAME_RULE}")
    branch = wanted.branch
    if not branch or len(branch) > 200 or printable(branch) != branch or branch.startswith("-") or ".." in branch:
        raise ConnectError(f"{plain(branch, 80)!r} is no name of a branch")
    if wanted.secret is not None and len(wanted.secret) < LEAST_SECRET:
        raise ConnectError(f"the secret has less than {LEAST_SECRET} characters: leave it out, and one is made")
    if wanted.token is not None and not (wanted.token.isascii() and 0 < len(wanted.token) <= MOST_TOKEN):
        raise ConnectError("the token is none: it is one line of letters and digits")
    if wanted.deploy_key is not None and not _is_key(wanted.deploy_key):
        raise ConnectError("the deploy key is no private key: it begins with -----BEGIN, and has no passphrase")
    _refuse_url(wanted.clone_url, may_name_files=may_name_files)


def _refuse_url(url: str | None, *, may_name_files: bool) -> None:
    if url is None:
        return
    if not _URL.fullmatch(url):
        raise ConnectError("the clone URL is none: it begins with https:// or ssh://, or is git@host:path")
    if not may_name_files and url.startswith(("file:", "http:")):
        raise ConnectError("over the API a clone URL is https or ssh; use `tidegate github connect` for others")


def _is_key(text: str) -> bool:
    return text.startswith("-----BEGIN ") and "PRIVATE KEY" in text[:60] and len(text) <= MOST_KEY


def _folder(path: str) -> str:
    """`./models/loans/` as `models/loans`. Raises ConnectError."""
    parts = [part for part in PurePosixPath(path).parts if part != "."]
    if path.startswith("/") or any(part.startswith(".") or ":" in part for part in parts):
        raise ConnectError(f"{plain(path, 80)!r} is no folder within a repository: write it like models/loans")
    found = "/".join(parts)
    if len(found) > 1000 or printable(found) != found:
        raise ConnectError(f"{plain(path, 80)!r} is no folder within a repository: write it like models/loans")
    return found
