"""Takes a copy of a model folder, so that what is checked is what is stored."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from model_runner.folder.bounds import FolderBounds, FolderError, Tally
from model_runner.plain_text import plain, printable

SKIPPED = frozenset({"__pycache__", "node_modules"})
COPY_BYTES = 1_048_576
_KINDS = {
    stat.S_IFLNK: "a link: replace it by what it points to",
    stat.S_IFIFO: "a named pipe: remove it",
    stat.S_IFSOCK: "a socket: remove it",
    stat.S_IFCHR: "a device: remove it",
    stat.S_IFBLK: "a device: remove it",
}


class ReceiveError(FolderError):
    """The folder cannot be taken."""


def model_files(folder: Path, bounds: FolderBounds) -> dict[str, int]:
    """The folder's files, with their bytes, by their paths relative to it; hidden ones and caches are left out.

    Raises:
        FolderError: it is no folder, holds what is no file, or holds too much.
    """
    if not folder.is_dir():
        raise ReceiveError(f"{folder} is not a folder: name the one that holds the model file")
    tally = Tally(bounds)
    found = dict(sorted(_walk(folder, "", tally)))
    if not found:
        raise ReceiveError(f"{folder} holds no files: save the model there first")
    return found


def _walk(folder: Path, above: str, tally: Tally) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            name = f"{above}{entry.name}"
            about = entry.stat(follow_symlinks=False)
            is_folder = stat.S_ISDIR(about.st_mode)
            tally.add(name, 0 if is_folder else about.st_size)
            if printable(name) != name:
                raise ReceiveError(f"{plain(name, 120)} is a name with characters that cannot be shown: rename it")
            if is_folder:
                yield from _walk(folder / entry.name, f"{name}/", tally)
            elif stat.S_ISREG(about.st_mode):
                yield name, about.st_size
            else:
                what = _KINDS.get(stat.S_IFMT(about.st_mode), "no file: remove it")
                raise ReceiveError(f"{folder / entry.name} is {what}")


def receive(folder: Path, files: dict[str, int], staging: Path, bounds: FolderBounds) -> int:
    """Copy these files; their size in bytes.

    Raises:
        FolderError: the disk has no room, or one of them changes meanwhile.
    """
    tally = Tally(bounds)
    for name, size in files.items():
        tally.add(name, size)
    tally.refuse_without_room(staging)
    for name, size in files.items():
        target = staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(folder / name, target, size)
    return tally.bytes


def _copy(source: Path, target: Path, size: int) -> None:
    """As many bytes as were counted: a file that grows would never end."""
    try:
        # Whatever has taken its place meanwhile is neither followed nor waited for.
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ReceiveError(f"{source} cannot be read ({error.strerror}): make it readable, or remove it") from error
    with os.fdopen(reading, "rb", buffering=0) as file, target.open("xb") as copy:
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            raise ReceiveError(f"{source} changed while it was copied: deploy again when nobody writes to it")
        left = size
        while left and (chunk := file.read(min(left, COPY_BYTES))):
            copy.write(chunk)
            left -= len(chunk)
        if left or file.read(1):
            raise ReceiveError(f"{source} changed while it was copied: deploy again when nobody writes to it")
