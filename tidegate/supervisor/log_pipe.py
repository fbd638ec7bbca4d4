"""What a process says comes by a pipe to a thread that bounds, rotates and writes it: no process writes a file itself.

A thread, since a disk may be slow: the event loop watches over all the others.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from model_runner import watched
from tidegate.supervisor.allowance import Allowance, Meter
from tidegate.supervisor.logs import MAX_BYTES, rotate

_READ_BYTES = 65_536
_LAST_BYTES = 65_536
"""Of what was said last, whether it was written or dropped."""
_PAUSE_S = 0.005
"""After each read of what is dropped, so that a flood does not take the CPU: it is read at 13 MB/s at most."""


class BoundedLog:
    """The file of one log, written by one thread at a time. A disk that takes nothing costs lines; they are counted."""

    def __init__(self, path: Path, allowance: Allowance, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._meter = Meter(allowance, time.monotonic())
        self._lock = threading.Lock()
        self._last = bytearray()

    @property
    def drops(self) -> bool:
        """Whether something was dropped of which the log does not tell yet."""
        return self._meter.dropped > 0

    @property
    def last_words(self) -> str:
        """The end of what was said, whether or not it was written."""
        with self._lock:
            return self._last.decode("utf-8", "replace")

    def write(self, data: bytes) -> None:
        with self._lock:
            self._last += data
            del self._last[:-_LAST_BYTES]
            allowed = self._meter.take(data, time.monotonic())
            if allowed:
                self._append(allowed)

    def move(self, path: Path) -> None:
        """To another name, with what is written already."""
        with self._lock:
            with suppress(OSError):  # nothing was said yet
                self._path.rename(path)
            self._path = path

    def finish(self) -> None:
        """Nothing comes for a while: say what was dropped."""
        with self._lock:
            self._append(b"")

    def _append(self, data: bytes) -> None:
        before = self._meter.dropped
        text = self._meter.told().encode() + data
        if not text:
            return
        try:
            with self._path.open("ab") as file:
                if file.tell() + len(text) > self._max_bytes and file.tell():
                    rotate(self._path)
                    with self._path.open("ab") as new:
                        new.write(text)
                else:
                    file.write(text)
        except OSError:
            self._meter.dropped = before + len(data)


class LogPipe:
    """One life of a process: it gets `end` as its output; `close` that here once it runs, and `join` when it ended."""

    def __init__(self, log: BoundedLog) -> None:
        """Raises OSError or RuntimeError: there is no descriptor, or no thread, to be had."""
        self._log = log
        self._from, self.end = os.pipe()
        try:
            self._thread = watched.begin_thread(self._read, "log")
        except RuntimeError:
            os.close(self._from)
            os.close(self.end)
            raise

    def close(self) -> None:
        """The process has its own by now."""
        os.close(self.end)

    def join(self, seconds: float) -> None:
        """Wait until all is written that was said: not for ever, since somebody else may hold the other end."""
        self._thread.join(seconds)

    def _read(self) -> None:
        try:
            while data := os.read(self._from, _READ_BYTES):
                self._log.write(data)
                if self._log.drops:
                    time.sleep(_PAUSE_S)
        finally:
            self._log.finish()
            os.close(self._from)
