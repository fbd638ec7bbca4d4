"""Where the objects of Git LFS are kept: beside the repository's own, by the hash of their content."""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from model_runner.disk.durable import make_folder, replace

WRITE_BYTES = 1_048_576
_OID = re.compile(r"[0-9a-f]{64}")


class LfsObjectError(Exception):
    """What was sent is not the object that was announced."""


class LfsStore:
    """The objects of one repository."""

    def __init__(self, repository: Path) -> None:
        self._folder = repository / "lfs" / "objects"
        self._incoming = repository / "lfs" / "incoming"

    def path(self, oid: str) -> Path:
        return self._folder / oid[:2] / oid[2:4] / oid

    def holds_oid(self, oid: str) -> bool:
        """Also for what is no object's name."""
        return _OID.fullmatch(oid) is not None and self.size(oid) is not None

    def holds(self, oid: str, size: int) -> bool:
        """Whether the whole object is here."""
        return self.size(oid) == size

    def size(self, oid: str) -> int | None:
        """Bytes; None where it is not here."""
        with suppress(OSError):
            return self.path(oid).stat().st_size
        return None

    async def put(self, oid: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Store an object as it comes in, whole or not at all; its size.

        Raises:
            LfsObjectError: its content has another hash, or it is too large.
        """
        part = self._incoming / f"{oid}.{secrets.token_hex(4)}"
        await asyncio.to_thread(make_folder, part.parent, 0o700)
        try:
            with await asyncio.to_thread(part.open, "xb") as file:
                size, found = await _write(file, chunks, max_bytes)
            if found != oid:
                raise LfsObjectError("the object has another SHA-256 than it was announced with: push again")
            await asyncio.to_thread(self._keep, part, oid)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return size

    def _keep(self, part: Path, oid: str) -> None:
        target = self.path(oid)
        make_folder(target.parent, 0o700)
        part.chmod(0o400)
        replace(part, target)


def copy_object(source: Path, target: BinaryIO) -> None:
    """Copy an object, and see on the way whether it is still what its name says.

    Raises:
        LfsObjectError: it is not. It is set aside then, so that it is asked for again.
    """
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while piece := file.read(WRITE_BYTES):
            digest.update(piece)
            target.write(piece)
    if digest.hexdigest() != source.name:
        source.unlink(missing_ok=True)
        raise LfsObjectError(
            f"its object ({source.name[:12]}…) was damaged on the disk and was removed: run "
            "`git lfs push --all tidegate`, then push again"
        )


async def _write(file: BinaryIO, chunks: AsyncIterator[bytes], max_bytes: int) -> tuple[int, str]:
    """Size and hash. In pieces, in a thread: predictions of the same process do not wait for a disk."""
    digest = hashlib.sha256()
    size = 0
    waiting = bytearray()

    def write(piece: bytes) -> None:
        digest.update(piece)
        file.write(piece)

    async for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            fix = "it is larger than it was announced, or than TIDEGATE_MAX_PUSH_BYTES"
            raise LfsObjectError(f"the object has more than {max_bytes:,} bytes: {fix}")
        waiting += chunk
        if len(waiting) >= WRITE_BYTES:
            await asyncio.to_thread(write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(write, bytes(waiting))
    await asyncio.to_thread(_to_disk, file)
    return size, digest.hexdigest()


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
