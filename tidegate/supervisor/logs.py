"""One log file a process, of a bounded size, and its end as people want to see it."""

import shutil
from pathlib import Path

MAX_BYTES = 10_000_000
KEPT = 2
"""Rotated files that are kept beside the current one."""


def log_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def rotate(path: Path, kept: int = KEPT) -> None:
    """Make room for a new log: `NAME.log` becomes `NAME.log.1`, that `NAME.log.2`; the oldest goes.

    Raises:
        OSError: the folder cannot be changed.
    """
    for number in range(kept, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))


def remove_log(path: Path, kept: int = KEPT) -> None:
    """It, and what was rotated away of it."""
    for name in (path.name, *(f"{path.name}.{number}" for number in range(1, kept + 1))):
        path.with_name(name).unlink(missing_ok=True)


def rotate_in_place(path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """The same for a log that its writer keeps open, in append mode; True when it had grown too large.

    It is copied and emptied: what is written in between is lost, a few lines at most.
    """
    if not path.exists() or path.stat().st_size <= max_bytes:
        return False
    copy = path.with_name(f"{path.name}.copy")
    shutil.copyfile(path, copy)
    with path.open("r+b") as file:
        file.truncate(0)
    for number in range(kept, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    copy.replace(path.with_name(f"{path.name}.1"))
    return True


def tail(path: Path, lines: int = 8, max_bytes: int = 16_384) -> list[str]:
    """The last lines of a log; none where there is no log, or it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - max_bytes))
            return file.read(max_bytes).decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def said_error(lines: list[str]) -> str:
    """What a process said in its last `error: …`, else the end of its log."""
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith("error: "):
            return "\n".join([lines[index].removeprefix("error: "), *lines[index + 1 :]])
    return "\n".join(lines)
