"""Git LFS over HTTP: the batch API and the basic transfer, so that large models are not in git's own packs.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from gateway.bodies.held import HeldBodies, HeldBody
from gateway.bodies.requests import read_body, read_headers
from gateway.git.answers import answer
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
_OID = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"\d{1,15}")
MOST_OBJECTS = 1000
"""In one batch; git-lfs asks for 100 at a time."""
Room = Callable[[int], None]


class Announced(msgspec.Struct):
    oid: str
    size: int


class Batch(msgspec.Struct):
    operation: str
    objects: list[Announced]
    hash_algo: str = "sha256"


class LfsError(Exception):
    """Answered with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


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
    match = _OBJECT.fullmatch(rest)
    asked = (scope["method"], rest)
    try:
        if asked == ("POST", "objects/batch"):
            with _BODIES.hold() as held:
                batch = _decode(await _json(scope, receive, held), Batch)
                links = _Links(address, _authorization(scope), max_bytes)
                await _say(send, 200, await asyncio.to_thread(_answered, batch, store, links, room))
        elif asked == ("POST", "objects/verify"):
            with _BODIES.hold() as held:
                await _verify(_decode(await _json(scope, receive, held), Announced), store)
            await _say(send, 200, {})
        elif match and scope["method"] == "PUT":
            await _put(store, match["oid"], receive, await _most(scope, max_bytes, room))
            await _say(send, 200, {})
        elif match and scope["method"] == "GET":
            await _send_object(send, store, match["oid"])
        else:
            raise LfsError(404, "not served here: objects are, locks are not")
    except LfsError as error:
        await _say(send, error.status, {"message": str(error)})
    except LfsObjectError as error:
        await _say(send, 422, {"message": str(error)})
    except FolderError as error:
        await _say(send, 507, {"message": str(error)})
    except ClientGoneError:
        return


def _answered(batch: Batch, store: LfsStore, links: "_Links", room: Room) -> dict[str, Any]:
    """Looks at the disk for each object. Raises LfsError, FolderError."""
    if batch.operation not in ("upload", "download") or batch.hash_algo != "sha256":
        shown = plain(f"operation {batch.operation!r} with {batch.hash_algo!r}")
        raise LfsError(422, f"{shown} is not known: update git-lfs")
    if len(batch.objects) > MOST_OBJECTS:
        raise LfsError(413, f"{len(batch.objects):,} objects; the most in one batch is {MOST_OBJECTS:,}: ask in parts")
    if batch.operation == "upload":
        room(sum(max(0, each.size) for each in batch.objects if not store.holds_oid(each.oid)))
    offered = links.upload if batch.operation == "upload" else links.download
    objects = [offered(announced, store) for announced in batch.objects]
    return {"transfer": "basic", "hash_algo": "sha256", "objects": objects}


async def _most(scope: Scope, max_bytes: int, room: Room) -> int:
    """Bytes that an upload may have: as many as it was announced with, where the address says so.

    Raises:
        FolderError: there is no room.
    """
    announced = parse_qs(scope["query_string"].decode("latin-1")).get("size", [""])[0]
    most = min(max_bytes, int(announced)) if _SIZE.fullmatch(announced) else max_bytes
    length = read_headers(scope["headers"]).content_length
    await asyncio.to_thread(room, min(most, length) if length is not None else 0)
    return most


class _Links:
    """What a client is to do with an object."""

    def __init__(self, address: str, header: dict[str, str], max_bytes: int) -> None:
        self._address = address
        self._header = header
        self._max_bytes = max_bytes

    def upload(self, announced: Announced, store: LfsStore) -> dict[str, Any]:
        """Nothing to do where the object is here already."""
        if not _OID.fullmatch(announced.oid) or announced.size < 0:
            return _refused(announced, 422, "an object's id is the SHA-256 of its content in hexadecimal")
        if announced.size > self._max_bytes:
            return _refused(announced, 422, f"larger than {self._max_bytes:,} bytes: raise TIDEGATE_MAX_PUSH_BYTES")
        if store.holds(announced.oid, announced.size):
            return _named(announced)
        upload = self._link(f"{announced.oid}?size={announced.size}")
        return _named(announced, upload=upload, verify=self._link("verify"))

    def download(self, announced: Announced, store: LfsStore) -> dict[str, Any]:
        if not _OID.fullmatch(announced.oid) or not store.holds(announced.oid, announced.size):
            return _refused(announced, 404, "this object was never uploaded")
        return _named(announced, download=self._link(announced.oid))

    def _link(self, name: str) -> dict[str, Any]:
        return {"href": f"{self._address}objects/{name}", "header": self._header}


def _named(announced: Announced, **actions: dict[str, Any]) -> dict[str, Any]:
    told = {"oid": announced.oid, "size": announced.size, "authenticated": True}
    return {**told, "actions": actions} if actions else told


def _refused(announced: Announced, code: int, message: str) -> dict[str, Any]:
    return {"oid": announced.oid, "size": announced.size, "error": {"code": code, "message": message}}


async def _put(store: LfsStore, oid: str, receive: Receive, max_bytes: int) -> None:
    try:
        await store.put(oid, _chunks(receive), max_bytes)
    except OSError as error:
        if not is_full(error):
            raise
        raise LfsError(507, no_room(error, store.path(oid))) from error


async def _verify(announced: Announced, store: LfsStore) -> None:
    if not _OID.fullmatch(announced.oid) or not store.holds(announced.oid, announced.size):
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


async def _json(scope: Scope, receive: Receive, held: HeldBody) -> bytes:
    try:
        return await read_body(receive, read_headers(scope["headers"]), MAX_JSON_BYTES, held)
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
