"""What a client of Git LFS is told about the objects that it wants to send or fetch: the batch API's answer.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.git.lfs.store import LfsStore
from model_runner.plain_text import plain

MOST_OBJECTS = 1000
"""In one batch; git-lfs asks for 100 at a time."""
_OID = re.compile(r"[0-9a-f]{64}")
Room = Callable[[int], None]
"""Raises FolderError where the repository may not grow by so many bytes; may block."""


class Announced(msgspec.Struct):
    """An object, as the client names it: its hash in hexadecimal and its size in bytes."""

    oid: str
    size: int


class Batch(msgspec.Struct):
    """What a client wants to do with which objects."""

    operation: str
    objects: list[Announced]
    hash_algo: str = "sha256"


class LfsError(Exception):
    """Answered with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answer_batch(batch: Batch, store: LfsStore, links: "Links", room: Room) -> dict[str, Any]:
    """What to do with each object, in their order. Looks at the disk for each. Raises LfsError, FolderError."""
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


class Links:
    """What a client is to do with an object.

    Args:
        address: URL of the repository's `info/lfs/`.
        header: what the client is to send with each object.
        max_bytes: of one object.
    """

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
        """Refused where it is not here."""
        if not is_here(announced, store):
            return _refused(announced, 404, "this object was never uploaded")
        return _named(announced, download=self._link(announced.oid))

    def _link(self, name: str) -> dict[str, Any]:
        return {"href": f"{self._address}objects/{name}", "header": self._header}


def is_here(announced: Announced, store: LfsStore) -> bool:
    """Whether the store has the object, in this size."""
    return bool(_OID.fullmatch(announced.oid)) and store.holds(announced.oid, announced.size)


def _named(announced: Announced, **actions: dict[str, Any]) -> dict[str, Any]:
    told = {"oid": announced.oid, "size": announced.size, "authenticated": True}
    return {**told, "actions": actions} if actions else told


def _refused(announced: Announced, code: int, message: str) -> dict[str, Any]:
    return {"oid": announced.oid, "size": announced.size, "error": {"code": code, "message": message}}
