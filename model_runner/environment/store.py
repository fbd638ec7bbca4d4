"""Where environments lie on this machine: one sealed folder each, and beside it a file that is lock and mark of use."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from model_runner.decode_errors import UNREADABLE
from model_runner.disk.seals import Seals
from model_runner.environment.sealing import folder_bytes

ABOUT_FILE = "environment.json"
BUILDING = ".building-"
RESOLVING = ".resolving-"
RESOLVED = ".resolved"
TRASH = ".trash-"
_LOCKS = ".locks"


class About(msgspec.Struct, frozen=True):
    """What an environment says of itself."""

    key: str
    packages: tuple[str, ...]
    python: str
    bytes: int
    seconds: float
    """How long it took to build."""


@dataclass(frozen=True)
class Entry:
    """An environment that is there."""

    about: About
    last_used: float
    """Unix time, seconds."""


@dataclass(frozen=True)
class Store:
    """A folder of environments that several processes share."""

    root: Path
    downloads: Path
    """uv's cache."""
    timeout_s: float = 600.0
    """How long one step of a build may take."""

    def folder(self, key: str) -> Path:
        return self.root / key

    def about(self, key: str) -> About | None:
        """None where there is no such environment, or its Python is gone."""
        folder = self.folder(key)
        if not (folder / "bin" / "python").exists():
            return None
        try:
            return msgspec.json.decode((folder / ABOUT_FILE).read_bytes(), type=About)
        except OSError:
            return None
        except UNREADABLE:
            return None

    def is_whole(self, key: str) -> bool:
        """Whether an environment holds what it did when it was built. The first question after a start of the machine
        reads all of it.
        """
        about, seals = self.about(key), self.seals
        if about is None:
            return False
        if not seals.knows(key) and folder_bytes(self.folder(key)) == about.bytes + self._about_bytes(key):
            # Of a Tidegate that made no seals, or the power went just before the seal: the rest was on disk by then.
            seals.put(key, self.folder(key))
        return seals.is_whole(key, self.folder(key))

    @property
    def seals(self) -> Seals:
        return Seals(self.root)

    def _about_bytes(self, key: str) -> int:
        return (self.folder(key) / ABOUT_FILE).stat().st_size

    def touch(self, key: str) -> None:
        """Mark it as used now."""
        path = self._lock_path(key)
        path.touch()
        os.utime(path, (time.time(), time.time()))

    def last_used(self, key: str) -> float:
        try:
            return self._lock_path(key).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def entries(self) -> list[Entry]:
        """Every environment, the one that was used last first."""
        names = (
            [path.name for path in self.root.iterdir() if not path.name.startswith(".")] if self.root.is_dir() else []
        )
        found = [Entry(about, self.last_used(about.key)) for about in map(self.about, names) if about is not None]
        return sorted(found, key=lambda entry: entry.last_used, reverse=True)

    def downloads_bytes(self) -> int:
        """What uv keeps for later builds."""
        return folder_bytes(self.downloads)

    @contextmanager
    def lock(self, key: str, *, wait: bool = True) -> Iterator[int]:
        """Nobody else builds or removes this environment meanwhile; gives the lock's file descriptor.

        A child process that inherits the descriptor holds the lock until it ends, whatever becomes of its parent.

        Raises:
            BlockingIOError: somebody else has it, and `wait` is False.
        """
        path = self._lock_path(key)
        # Opening it does not change its time of modification, which is the mark of use.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield descriptor
        finally:
            with suppress(OSError):
                os.close(descriptor)

    def _lock_path(self, key: str) -> Path:
        folder = self.root / _LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        return folder / key
