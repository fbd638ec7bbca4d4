"""One log file a process: appended to by the process itself, rotated by size from outside."""

import shutil
from pathlib import Path

MAX_BYTES = 10_000_000
KEPT = 2
"""Rotated files that are kept beside the current one."""


def log_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def rotate(path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """Copy a log that has grown too large to `NAME.log.1` and empty it; True when that was done.

    The writer keeps its file open in append mode, so the file is emptied and not renamed. What is written between the
    copy and the emptying is lost: a few lines at most.
    """
    if not path.exists() or path.stat().st_size <= max_bytes:
        return False
    for number in range(kept, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


def tail(path: Path, lines: int = 8, max_bytes: int = 16_384) -> list[str]:
    """The last lines of a log; none where there is no log."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - max_bytes))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def said_error(lines: list[str]) -> str:
    """What a process said in its last `error: …`, else the end of its log."""
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith("error: "):
            return "\n".join([lines[index].removeprefix("error: "), *lines[index + 1 :]])
    return "\n".join(lines)
