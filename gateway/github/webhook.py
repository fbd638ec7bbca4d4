"""`POST /hooks/github`: a push on GitHub becomes a job of each model that its repository is connected to.

The body is believed by its signature alone. Before that only the repository's name is taken from it, to know whose
secret it should bear; unknown repositories and wrong signatures get the same answer.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from gateway.bodies.held import HeldBodies, HeldBody
from gateway.bodies.requests import Headers, read_body
from gateway.deployer.client import DeployerAwayError, ask
from gateway.deployer.protocol import Deliver, FromDeployer, Refused, Removed, Taken, UpstreamBranchGone
from gateway.edge.gate import client_of
from gateway.github.hook_connection import GithubConfig, HookConnection
from gateway.github.push_event import PushEvent, message_for, why_ignored
from gateway.github.signatures import SignatureTries, connections_meant
from gateway.refusals import CLIENT_GONE, Refusal
from model_runner.decode_errors import UNREADABLE
from model_runner.plain_text import plain

MAX_BYTES = 26_000_000
"""GitHub sends no more than 25 MB."""
HELD_BYTES = 104_000_000
"""Of all deliveries under way, before anybody knows whether they are GitHub's: four of the largest."""
PATIENCE_S = 5.0
"""GitHub gives up after 10 s."""
NO_PREVIEW = "the branch had no preview"
HOW_TO_CONNECT = (
    "no connection fits this repository and signature: `tidegate github connect OWNER/NAME --model MODEL` makes one "
    "and shows the secret; the webhook needs that secret and the content type application/json"
)
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,100}")
_BUSY = {"queued": 202, "seen": 202, "refused": 503}


class _OfModel(msgspec.Struct):
    workspace: str
    model: str
    status: str
    """`queued`, `seen`, `removed`, `ignored` or `refused`."""
    reason: str = ""
    job: int | None = None


class _DeliveryAnswer(msgspec.Struct):
    status: str
    """Of the first model; or `pong`, `ignored`, `refused`."""
    reason: str = ""
    job: int | None = None
    models: list[_OfModel] = []
    """All that the repository is connected to."""


def github_router(config: GithubConfig) -> APIRouter:
    router = APIRouter(tags=["hooks"])
    tries = SignatureTries()
    bodies = HeldBodies("github", HELD_BYTES)

    @router.post("/hooks/github", status_code=202)
    async def github(request: Request) -> Response:
        """GitHub's webhook: content type `application/json`, the event `push`."""
        with bodies.hold() as held:
            try:
                body = await _body(request, held)
            except Refusal as refused:
                return _not_read(refused)
            return await _answered(request, body)

    async def _answered(request: Request, body: bytes) -> Response:
        signature = request.headers.get("x-hub-signature-256")
        meant = await asyncio.to_thread(connections_meant, config.source, body, signature)
        if not meant:
            return _not_signed(tries, client_of(request.scope))
        return await _take(config, meant, request, body)

    return router


def _not_signed(tries: SignatureTries, client: str) -> Response:
    wait = tries.wrong(client, time.monotonic())
    if not wait:
        return _answer(401, _DeliveryAnswer("refused", HOW_TO_CONNECT))
    limited = _answer(429, _DeliveryAnswer("refused", f"too many wrong signatures: try again in {wait} s"))
    limited.headers["Retry-After"] = str(wait)
    return limited


async def _take(config: GithubConfig, meant: Sequence[HookConnection], request: Request, body: bytes) -> Response:
    event = request.headers.get("x-github-event", "")
    if event == "ping":
        return _answer(200, _DeliveryAnswer("pong"))
    if event != "push":
        return _answer(200, _DeliveryAnswer("ignored", f"only the event push is of use, not {plain(event, 60)!r}"))
    delivery = request.headers.get("x-github-delivery", "")
    try:
        push = msgspec.json.decode(body, type=PushEvent)
    except UNREADABLE as error:
        return _answer(400, _DeliveryAnswer("refused", f"the body is no push event in JSON ({plain(error)})"))
    if not _DELIVERY.fullmatch(delivery):
        return _answer(400, _DeliveryAnswer("refused", "X-GitHub-Delivery is missing"))
    models = [await _one(config.deployer, each, push, delivery) for each in meant]
    status = max(_BUSY.get(one.status, 200) for one in models)
    first = next((one for one in models if _BUSY.get(one.status, 200) == status), models[0])
    return _answer(status, _DeliveryAnswer(first.status, first.reason, first.job, models))


async def _one(deployer: Path, connection: HookConnection, push: PushEvent, delivery: str) -> _OfModel:
    place = (connection.workspace, connection.model)
    ignored = why_ignored(connection, push)
    if ignored is not None:
        return _OfModel(*place, "ignored", ignored)
    try:
        answer = await asyncio.to_thread(_first_answer, deployer, message_for(connection, push, delivery))
    except DeployerAwayError as error:
        return _OfModel(*place, "refused", f"{error}; redeliver it later")
    if isinstance(answer, Taken):
        return _OfModel(*place, "queued" if answer.is_new else "seen", job=answer.job)
    if isinstance(answer, Removed):
        return _OfModel(*place, "removed") if answer.previews else _OfModel(*place, "ignored", NO_PREVIEW)
    reason = answer.reason if isinstance(answer, Refused) else "the deployer ended meanwhile: redeliver it"
    return _OfModel(*place, "refused", reason)


def _first_answer(deployer: Path, message: Deliver | UpstreamBranchGone) -> FromDeployer | None:
    return next(iter(ask(deployer, message, PATIENCE_S)), None)


async def _body(request: Request, held: HeldBody) -> bytes:
    """The raw bytes, which are what was signed."""
    length = request.headers.get("content-length", "")
    plain_headers = Headers(None, int(length[:18]) if length.isdecimal() else None, None)
    return await read_body(request.receive, plain_headers, MAX_BYTES, held)


def _not_read(refused: Refusal) -> Response:
    """The words of the refusal, but for what only predictions have."""
    if refused.status == CLIENT_GONE:
        raise ClientDisconnect
    reason = f"the body is larger than {MAX_BYTES} bytes" if refused.status == 413 else refused.message
    answer = _answer(refused.status, _DeliveryAnswer("refused", reason))
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer


def _answer(status: int, answer: _DeliveryAnswer) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")
