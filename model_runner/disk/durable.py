"""Writes that a power loss leaves whole or undone: the content to disk first, then its name, then the folder's.

A file that was only written may come back empty, cut or full of zeros; a name that was only given may be gone. So what
marks a thing as complete is written last, and with these functions.
"""

import ctypes
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ONE_BY_ONE = 100
"""Files above which a whole file system is synced at once: thousands of single ones take longer than everything."""


def write_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Give a file this content, in place of what it held; a reader sees the one or the other."""
    part = _written(path, content, mode)
    try:
        replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def make_file(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Make a file where there is none; whether it was made here, and not by somebody who was faster."""
    part = _written(path, content, mode)
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    else:
        sync_folder(path.parent)
        return True
    finally:
        part.unlink(missing_ok=True)


def replace(source: Path, target: Path) -> None:
    """Move a file or a folder, whose content is on disk, to its name on the same file system."""
    source.replace(target)
    sync_folder(target.parent)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make it, and those above it that are missing, so that all of them are still there afterwards."""
    missing = [folder]
    while not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        each.mkdir(mode=mode, exist_ok=True)
        # Also of one that is there: who made it may have been killed before this.
        sync_folder(each.parent)


def sync_file(path: Path) -> None:
    """Its content is on disk when this returns."""
    _sync_path(path, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """The names in it are on disk when this returns."""
    _sync_path(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_tree(folder: Path) -> None:
    """All files and names below a folder, and its own names; not its name in the folder above."""
    files, folders = [], []
    for parent, _, names in os.walk(folder):
        folders.append(Path(parent))
        files += [path for path in (Path(parent) / name for name in names) if not path.is_symlink()]
    if len(files) > ONE_BY_ONE and sync_file_system(folder):
        return
    for path in files:
        sync_file(path)
    for each in reversed(folders):
        sync_folder(each)


def sync_file_system(folder: Path) -> bool:
    """All that was written to the file system of this folder; False where that cannot be asked for.

    Raises:
        OSError: something could not be written.
    """
    syncfs = _syncfs()
    if syncfs is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
    return True


def _syncfs() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return found


def _written(path: Path, content: bytes, mode: int) -> Path:
    """A file beside `path` with this content, on disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        sync_file(part)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    return part


def _sync_path(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
