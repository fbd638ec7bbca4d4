"""Which files of a folder are opened, by whatever process: the kernel tells (inotify), so that nothing is missed."""

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Lock, Thread

_OPEN, _CREATE, _IS_FOLDER = 0x20, 0x100, 0x40000000
_HEAD = struct.Struct("iIII")
_READ_BYTES = 1_048_576
_LIBC = ctypes.CDLL(None, use_errno=True)


class Opened:
    """Watches from the start, and with `grows` the folders in it too, and those that appear there."""

    def __init__(self, folder: Path, *, grows: bool = False) -> None:
        self._fd = _LIBC.inotify_init1(os.O_NONBLOCK)
        assert self._fd >= 0, os.strerror(ctypes.get_errno())
        self._folders: dict[int, Path] = {}
        self._seen: list[Path] = []
        self._grows = grows
        self._stop = Event()
        self._lock = Lock()
        self._watch(folder)
        for within in folder.iterdir() if grows else ():
            if within.is_dir():
                self._watch(within)
        self._reader = Thread(target=self._keep_reading, daemon=True)
        self._reader.start()

    def files(self) -> list[Path]:
        """All so far, in order."""
        self._read()
        return list(self._seen)

    def folders(self) -> list[Path]:
        """Those that are watched, in order."""
        return list(self._folders.values())

    def close(self) -> list[Path]:
        """All that were opened until now."""
        self._stop.set()
        self._reader.join()
        found = self.files()
        os.close(self._fd)
        return found

    def _watch(self, folder: Path) -> None:
        number = _LIBC.inotify_add_watch(self._fd, os.fsencode(folder), _OPEN | _CREATE)
        if number >= 0:  # else it has gone already
            self._folders[number] = folder

    def _keep_reading(self) -> None:
        while not self._stop.wait(0.002):
            self._read()

    def _read(self) -> None:
        with self._lock:
            for number, mask, name in _events(self._fd):
                path = self._folders[number] / name
                if mask & _CREATE and mask & _IS_FOLDER and self._grows:
                    self._watch(path)
                elif mask & _OPEN and not mask & _IS_FOLDER:
                    self._seen.append(path)


def _events(fd: int) -> Iterator[tuple[int, int, str]]:
    try:
        data = os.read(fd, _READ_BYTES)
    except BlockingIOError:
        return
    at = 0
    while at < len(data):
        number, mask, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield number, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))
        at += length
