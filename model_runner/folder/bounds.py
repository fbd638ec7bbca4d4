"""What a model folder may hold, and what it may take of the disk: judged before anything of it is written."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from model_runner.plain_text import plain

PATH_BYTES = 1024
"""Of one path within the folder; Linux takes 4096, and what holds the folder needs some of them."""
DEPTH = 64
"""Folders above a file."""


class FolderError(Exception):
    """A folder that is not taken; the message names the file and the fix."""


@dataclass(frozen=True)
class FolderBounds:
    """The operator's, not the pusher's."""

    entries: int = 20_000
    """Files and folders."""
    bytes: int = 4_000_000_000
    """Of all files together, as they are written: what is compressed or named twice counts as often."""
    reserve_bytes: int = 1_000_000_000
    """Of the disk, which stay free."""


class Tally:
    """Counts what a folder would take; refuses at the first entry that is too much."""

    def __init__(self, bounds: FolderBounds) -> None:
        self._bounds = bounds
        self.entries = 0
        self.bytes = 0

    def add(self, path: str, size: int = 0) -> None:
        """One more file or folder.

        Raises:
            FolderError: it is one too many.
        """
        self.entries += 1
        if self.entries > self._bounds.entries:
            fix = "Commit only what the model needs, or raise TIDEGATE_MAX_MODEL_FILES"
            raise FolderError(f"it holds more than {self._bounds.entries:,} files and folders. {fix}")
        if len(path.encode("utf-8", "replace")) > PATH_BYTES:
            raise FolderError(f"a path in it is longer than {PATH_BYTES} bytes ({plain(path, 60)}). Use shorter names")
        if path.count("/") > DEPTH:
            raise FolderError(f"{plain(path, 60)} lies more than {DEPTH} folders deep. Use fewer folders")
        self.add_bytes(size)

    def add_bytes(self, size: int) -> None:
        """Raises FolderError."""
        self.bytes += size
        if self.bytes > self._bounds.bytes:
            fix = "Commit only what the model needs, or raise TIDEGATE_MAX_MODEL_BYTES"
            raise FolderError(f"its files have more than {self._bounds.bytes:,} bytes when they are written. {fix}")

    def refuse_without_room(self, folder: Path) -> None:
        """Raises FolderError where the disk of `folder` has no room for all of it."""
        refuse_without_room(folder, self.bytes, self._bounds.reserve_bytes)


def refuse_without_room(folder: Path, size: int, reserve_bytes: int) -> None:
    """Raises FolderError where `size` bytes would leave less free than is to stay so. The folder need not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size > free - reserve_bytes:
        raise FolderError(
            f"the disk has no room for it: {size:,} bytes are to be written, {free:,} are free, and {reserve_bytes:,} "
            "of them stay so (TIDEGATE_DISK_RESERVE_MB). Free some space where Tidegate runs, then try again"
        )
