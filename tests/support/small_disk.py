"""A disk of a few megabytes, which a test can fill."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_PIECE = bytes(65_536)


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator["SmallDisk"]:
    """A file system of its own in `folder`. Skips, and says so, where nobody may mount one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("A FULL DISK IS NOT TESTED HERE: only root may mount a small file system")
    folder.mkdir(parents=True)
    options = ("-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder))
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"A FULL DISK IS NOT TESTED HERE: nothing can be mounted ({done.stderr.strip()})")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: what a failed test left may still have files open.
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=True)


class SmallDisk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, left_bytes: int = 0) -> None:
        """Leave no room, or so many bytes. What others free meanwhile is taken too, when it is called again."""
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while self.free_bytes > left_bytes:
                file.write(_PIECE[: min(len(_PIECE), self.free_bytes - left_bytes)])

    @contextmanager
    def full(self) -> Iterator[None]:
        """No room, whatever others free meanwhile: a merge that ends, a log that is cut."""
        over = threading.Event()

        def fill() -> None:
            while not over.wait(0.01):
                self.fill()

        self.fill()
        filling = threading.Thread(target=fill)
        filling.start()
        try:
            yield
        finally:
            over.set()
            filling.join()

    def clear(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @property
    def free_bytes(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize
