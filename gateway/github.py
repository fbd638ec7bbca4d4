"""`POST /hooks/github`: a push on GitHub becomes a job. The signature is looked at before anything else."""

import asyncio
import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
from fastapi import APIRouter, Request, Response

from gateway.deployer_client import DeployerAwayError, ask
from gateway.deployer_protocol import Deliver, FromDeployer, Refused, Removed, Taken, UpstreamBranchGone
from model_runner.unreadable import UNREADABLE

MAX_BYTES = 26_000_000
"""GitHub sends no more than 25 MB."""
PATIENCE_S = 5.0
"""GitHub gives up after 10 s."""
HEADS = "refs/heads/"
NO_PREVIEW = "the branch had no preview"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,127}")


@dataclass(frozen=True)
class GithubConfig:
    secret: str
    """That the webhook was made with."""
    repository: str
    """`owner/name`"""
    branch: str
    """Whose pushes are deployed."""
    deployer: Path
    """The deployer's socket."""
    previews: bool = False
    """Whether other branches become previews."""


class _Repository(msgspec.Struct):
    full_name: str


class _Push(msgspec.Struct):
    """What matters of a push event."""

    ref: str
    after: str
    repository: _Repository
    deleted: bool = False

    @property
    def deletes(self) -> bool:
        return self.deleted or not _COMMIT.fullmatch(self.after) or set(self.after) == {"0"}


class _Outcome(msgspec.Struct):
    status: str
    """`queued`, `seen`, `removed`, `ignored`, `pong` or `refused`."""
    reason: str = ""
    job: int | None = None


def is_signed(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether `X-Hub-Signature-256` is the HMAC of these raw bytes; compared in constant time."""
    wanted = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    return signature is not None and hmac.compare_digest(wanted.encode(), signature.encode())


def github_router(config: GithubConfig | None) -> APIRouter:
    """The route; without a configuration it answers 404, and says how to get one."""
    router = APIRouter(tags=["hooks"])

    @router.post("/hooks/github", status_code=202)
    async def github(request: Request) -> Response:
        """GitHub's webhook: content type `application/json`, the event `push`."""
        if config is None:
            how = "set TIDEGATE_GITHUB_REPOSITORY and TIDEGATE_GITHUB_SECRET, then restart the stack"
            return _answer(404, _Outcome("refused", f"GitHub is not set up here: {how}"))
        body = await _body(request)
        if body is None:
            return _answer(413, _Outcome("refused", f"the body is larger than {MAX_BYTES} bytes"))
        if not is_signed(config.secret, body, request.headers.get("x-hub-signature-256")):
            reason = "the signature does not fit: give the webhook the secret in TIDEGATE_GITHUB_SECRET"
            return _answer(401, _Outcome("refused", reason))
        return await _take(config, request.headers.get("x-github-event", ""), request, body)

    return router


async def _take(config: GithubConfig, event: str, request: Request, body: bytes) -> Response:
    if event == "ping":
        return _answer(200, _Outcome("pong"))
    if event != "push":
        return _answer(200, _Outcome("ignored", f"only the event push is of use, not {event!r}"))
    delivery = request.headers.get("x-github-delivery", "")
    try:
        push = msgspec.json.decode(body, type=_Push)
    except UNREADABLE as error:
        reason = f"the body is no push event in JSON ({error}): choose the content type application/json"
        return _answer(400, _Outcome("refused", reason))
    if not _DELIVERY.fullmatch(delivery):
        return _answer(400, _Outcome("refused", "X-GitHub-Delivery is missing"))
    ignored = _why_ignored(config, push)
    if ignored is not None:
        return _answer(200, _Outcome("ignored", ignored))
    return await _ask(config, _message(config, push, delivery))


def _message(config: GithubConfig, push: _Push, delivery: str) -> Deliver | UpstreamBranchGone:
    branch = push.ref.removeprefix(HEADS)
    if push.deletes:
        return UpstreamBranchGone(branch)
    return Deliver(delivery=delivery, commit=push.after, branch=branch, preview=branch != config.branch)


def _why_ignored(config: GithubConfig, push: _Push) -> str | None:
    if push.repository.full_name.lower() != config.repository.lower():
        return f"{push.repository.full_name} is not the repository {config.repository} of the settings"
    if not push.ref.startswith(HEADS):
        return f"{push.ref} is no branch"
    is_production = push.ref == f"{HEADS}{config.branch}"
    if is_production and push.deletes:
        return f"{push.ref} was deleted: what is live stays"
    if not is_production and not config.previews:
        return f"only {config.branch} goes live; TIDEGATE_GITHUB_PREVIEWS makes previews of other branches"
    return None


async def _ask(config: GithubConfig, message: Deliver | UpstreamBranchGone) -> Response:
    try:
        answer = await asyncio.to_thread(_first_answer, config.deployer, message)
    except DeployerAwayError as error:
        return _answer(503, _Outcome("refused", f"{error}; redeliver it later"))
    if isinstance(answer, Taken):
        return _answer(202, _Outcome("queued" if answer.is_new else "seen", job=answer.job))
    if isinstance(answer, Removed):
        return _answer(200, _Outcome("removed") if answer.previews else _Outcome("ignored", NO_PREVIEW))
    reason = answer.reason if isinstance(answer, Refused) else "the deployer ended meanwhile: redeliver it"
    return _answer(503, _Outcome("refused", reason))


def _first_answer(deployer: Path, message: Deliver | UpstreamBranchGone) -> FromDeployer | None:
    return next(iter(ask(deployer, message, PATIENCE_S)), None)


async def _body(request: Request) -> bytes | None:
    """The raw bytes; None when there are too many."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)


def _answer(status: int, outcome: _Outcome) -> Response:
    return Response(msgspec.json.encode(outcome), status, media_type="application/json")
