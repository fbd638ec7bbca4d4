"""A folder whose power can go: what was never synced is lost, cut or zeroed then, and names go or stay by chance."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from model_runner.disk import durable, seals

_Id = tuple[int, int]


class PowerLostError(BaseException):
    """Nothing of the program runs any further, whatever it catches."""


class Disk:
    """Watches syncs, renames and links. Only below one folder, and only while it is `watched`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.operations = 0
        self.cut_before: int | None = None
        """The number of the operation that is not done any more; None for a power that stays."""
        self._boots = 0
        self._boot_file = root.parent / f"{root.name}.boot-id"
        self._content: dict[_Id, bytes] = {}
        self._names: dict[_Id, dict[str, _Id]] = {}
        self._take_all()
        self._boot_file.write_text("0")

    @contextmanager
    def watched(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(seals, "_BOOT_ID", self._boot_file)
            patch.setattr(os, "fsync", self._counting(self._sync))
            patch.setattr(durable, "_syncfs", lambda: self._counting(self._sync_all))
            for name in ("replace", "rename", "link"):
                patch.setattr(os, name, self._counting(getattr(os, name)))
            yield

    def go(self, rng: Random) -> None:
        """The power goes, and comes back."""
        for folder in sorted((Path(each) for each, _, _ in os.walk(self.root)), reverse=True):
            self._lose_names(folder, rng)
        for parent, _, files in os.walk(self.root):
            for name in files:
                self._lose_content(Path(parent) / name, rng)
        self._boots += 1
        self._boot_file.write_text(str(self._boots))
        self.cut_before = None
        self._take_all()

    def _counting(self, done: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.operations += 1
            if self.cut_before is not None and self.operations >= self.cut_before:
                raise PowerLostError
            return done(*args, **kwargs)

        return counted

    def _sync(self, descriptor: int) -> None:
        self._take(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    def _sync_all(self, _descriptor: int) -> int:
        self._take_all()
        return 0

    def _take_all(self) -> None:
        for parent, _, files in os.walk(self.root):
            self._take(Path(parent))
            for name in files:
                self._take(Path(parent) / name)

    def _take(self, path: Path) -> None:
        """It is on disk as it is now."""
        if path.is_dir():
            self._names[_id(path)] = {each.name: _id(each) for each in path.iterdir()}
        elif path.is_file():
            self._content[_id(path)] = path.read_bytes()

    def _lose_names(self, folder: Path, rng: Random) -> None:
        known = self._names.get(_id(folder), {})
        for path in folder.iterdir():
            before = known.get(path.name)
            if before == _id(path) or rng.random() < 0.5:
                continue
            if before in self._content and path.is_file():
                path.unlink()
                path.write_bytes(self._content[before])
                self._take(path)
            else:
                _remove(path)

    def _lose_content(self, path: Path, rng: Random) -> None:
        if path.is_symlink():
            return  # what it points to may be the machine's
        content = path.read_bytes()
        synced = self._content.get(_id(path))
        size = len(content)
        lost = synced if synced is not None else rng.choice([b"", content[: size // 2], bytes(size), content])
        if lost != content:
            mode = path.stat().st_mode
            path.chmod(mode | 0o200)
            path.write_bytes(lost)
            path.chmod(mode)


def _id(path: Path) -> _Id:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _remove(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return
    for each in path.iterdir():
        _remove(each)
    path.rmdir()


def ends(root: Path, work: Callable[[], object], seeds: range) -> Iterator[None]:
    """The same, where the power goes after the work's last operation alone: what was said to be done."""
    for seed in seeds:
        _remove(root)
        root.mkdir(parents=True)
        disk = Disk(root)
        with disk.watched():
            work()
            disk.go(Random(seed))
            yield


def lives(root: Path, work: Callable[[], object], seeds: range) -> Iterator[bool]:
    """Do the work on a fresh disk, lose the power before each of its operations and after the last; again and again.

    Yields after each loss, with the power back: whether the work had come to its end. `root` is the caller's to fill.
    """
    for seed in seeds:
        number = 0
        while True:
            number += 1
            _remove(root)
            root.mkdir(parents=True)
            disk = Disk(root)
            disk.cut_before = number
            done = False
            with disk.watched():
                with suppress(PowerLostError):
                    work()
                    done = True
                disk.go(Random(seed * 1009 + number))
                yield done
            if done:
                break
