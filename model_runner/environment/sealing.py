"""Folders that nobody writes to any more, and how they are removed all the same."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_FOLDER = 0o555
_OPEN = 0o700
_FILE = 0o444
_PROGRAM = 0o555


def seal(folder: Path) -> int:
    """Take the right to write from everything in a folder, but not from the folder itself; the bytes that it holds.

    All may read: a runner may have a user of its own. The folder itself can still be renamed, and is sealed after that.
    """
    size = 0
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            path = os.path.join(parent, name)
            status = os.lstat(path)
            size += status.st_size
            if not os.path.islink(path):
                os.chmod(path, _PROGRAM if status.st_mode & 0o100 else _FILE)
        for name in folders:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                os.chmod(path, _FOLDER)
    return size


def unseal_top(folder: Path) -> None:
    """So that it can be renamed: macOS moves no folder that may not be written."""
    folder.chmod(_OPEN)


def seal_top(folder: Path) -> None:
    """The rest of `seal`, once the folder has its name."""
    folder.chmod(_FOLDER)


def remove(folder: Path) -> None:
    """Remove a folder, sealed or not; nothing where there is none."""
    if not folder.is_dir():
        return
    folder.chmod(_OPEN)
    for path in _folders(folder):
        os.chmod(path, _OPEN)
    shutil.rmtree(folder)


def folder_bytes(folder: Path) -> int:
    """The size of the files in a folder; those that vanish meanwhile count as nothing."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _folders(folder: Path) -> Iterator[str]:
    for parent, folders, _ in os.walk(folder):
        yield from (path for path in (os.path.join(parent, name) for name in folders) if not os.path.islink(path))
