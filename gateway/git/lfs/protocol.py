"""Git LFS over HTTP, its batch API and basic transfer, so that large models are not in git's own packs.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec

from gateway.bodies.held import HeldBodies, HeldBody
from gateway.bodies.requests import read_body, read_headers
from gateway.git.answers import answer
from gateway.git.lfs.batch import Announced, Batch, LfsError, Links, Room, answer_batch, is_here
from gateway.git.lfs.store import LfsObjectError, LfsStore
from gateway.refusals import Refusal
from model_runner.decode_errors import UNREADABLE
from model_runner.disk.space import is_full, no_room
from model_runner.folder.bounds import FolderError
from model_runner.plain_text import plain
from web.asgi import Receive, Scope, Send

PREFIX = "info/lfs/"
JSON = (b"content-type", b"application/vnd.git-lfs+json")
BINARY = (b"content-type", b"application/octet-stream")
MAX_JSON_BYTES = 8_000_000
_BODIES = HeldBodies("git", 64_000_000)
"""JSON of all requests under way; what is pushed and uploaded is streamed."""
READ_BYTES = 262_144
_OBJECT = re.compile(r"objects/(?P<oid>[0-9a-f]{64})")
_SIZE = re.compile(r"\d{1,15}")


class ClientGoneError(Exception):
    """Nobody is left to answer."""


async def serve_lfs(  # what a request is made of
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    rest: str,
    store: LfsStore,
    address: str,
    max_bytes: int,
    room: Room,
) -> None:
    """One request below `info/lfs/`.

    Args:
        rest: the path below it.
        store: of the repository.
        address: URL of the repository's `info/lfs/`.
        max_bytes: of one object.
        room: raises FolderError where the repository may not grow by so many bytes; may block.
    """
    request = _Request(scope, receive, send, store, address, max_bytes, room)
    try:
        await _serve(request, rest)
    except LfsError as error:
        await _say(send, error.status, {"message": str(error)})
    except LfsObjectError as error:
        await _say(send, 422, {"message": str(error)})
    except FolderError as error:
        await _say(send, 507, {"message": str(error)})
    except ClientGoneError:
        return


@dataclass(frozen=True, slots=True)
class _Request:
    scope: Scope
    receive: Receive
    send: Send
    store: LfsStore
    address: str
    max_bytes: int
    room: Room


async def _serve(request: _Request, rest: str) -> None:
    method = request.scope["method"]
    match = _OBJECT.fullmatch(rest)
    if (method, rest) == ("POST", "objects/batch"):
        await _serve_batch(request)
    elif (method, rest) == ("POST", "objects/verify"):
        with _BODIES.hold() as held:
            await _verify(_decode(await _json(request, held), Announced), request.store)
        await _say(request.send, 200, {})
    elif match and method == "PUT":
        await _put(request, match["oid"], await _most(request))
        await _say(request.send, 200, {})
    elif match and method == "GET":
        await _send_object(request.send, request.store, match["oid"])
    else:
        raise LfsError(404, "not served here: objects are, locks are not")


async def _serve_batch(request: _Request) -> None:
    with _BODIES.hold() as held:
        batch = _decode(await _json(request, held), Batch)
        links = Links(request.address, _authorization(request.scope), request.max_bytes)
        told = await asyncio.to_thread(answer_batch, batch, request.store, links, request.room)
        await _say(request.send, 200, told)


async def _most(request: _Request) -> int:
    """Bytes that an upload may have: as many as it was announced with, where the address says so.

    Raises:
        FolderError: there is no room.
    """
    announced = parse_qs(request.scope["query_string"].decode("latin-1")).get("size", [""])[0]
    most = min(request.max_bytes, int(announced)) if _SIZE.fullmatch(announced) else request.max_bytes
    length = read_headers(request.scope["headers"]).content_length
    await asyncio.to_thread(request.room, min(most, length) if length is not None else 0)
    return most


async def _put(request: _Request, oid: str, most: int) -> None:
    try:
        await request.store.put(oid, _chunks(request.receive), most)
    except OSError as error:
        if not is_full(error):
            raise
        raise LfsError(507, no_room(error, request.store.path(oid))) from error


async def _verify(announced: Announced, store: LfsStore) -> None:
    if not is_here(announced, store):
        raise LfsError(404, "this object is not here, or has another size: push again")


async def _send_object(send: Send, store: LfsStore, oid: str) -> None:
    size = store.size(oid)
    if size is None:
        raise LfsError(404, "this object was never uploaded")
    headers = [BINARY, (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    with await asyncio.to_thread(store.path(oid).open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, READ_BYTES):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes. Raises ClientGoneError where it ends too early."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        more = bool(message.get("more_body"))
        yield message.get("body", b"")


async def _json(request: _Request, held: HeldBody) -> bytes:
    try:
        return await read_body(request.receive, read_headers(request.scope["headers"]), MAX_JSON_BYTES, held)
    except Refusal as refused:
        raise LfsError(refused.status, refused.message) from refused


def _decode(body: bytes, shape: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        raise LfsError(422, f"the request is not Git LFS's: {plain(error)}") from error


def _authorization(scope: Scope) -> dict[str, str]:
    """A client sends what it is given here with each object: the same that it has sent now."""
    given = dict(scope["headers"]).get(b"authorization")
    return {} if given is None else {"Authorization": given.decode("latin-1")}


async def _say(send: Send, status: int, content: dict[str, Any]) -> None:
    await answer(send, status, msgspec.json.encode(content), (JSON,))
