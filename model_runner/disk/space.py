"""A disk without room: how it is recognised, whoever ran into it, and what is said of it."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
_WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded", "not enough space")
"""Of those who hand on words alone: SQLite, uv, git, ClickHouse."""
_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
"""The second: there is no room for the index of its log, without which it cannot even read."""


def says_full(text: str) -> bool:
    """Whether these are the words of somebody who found no room."""
    lower = text.lower()
    return any(words in lower for words in _WORDS)


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that it follows from, is that of a full disk."""
    return any(map(_is_full, _chain(error)))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return True
    return getattr(error, "sqlite_errorname", "") in _SQLITE or says_full(str(error))


def free_mb(path: Path) -> float:
    """Megabytes that may still be written to the file system of a path, or of what exists above it."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free / 1e6


def no_room(error: BaseException | None, path: Path) -> str:
    """What to say: where there is no room, how much is left, and what to do.

    Args:
        path: somewhere on the disk, where the error does not say.
    """
    named = next((each.filename for each in _chain(error) if isinstance(each, OSError) and each.filename), None)
    # A write does not say what it wrote to: what is full is then the fuller one of the two that are written to.
    others = (path, Path(tempfile.gettempdir()))
    place = Path(str(named)) if isinstance(named, str | Path) else min(others, key=free_mb)
    fix = "`tidegate gc` removes what nobody needs, `tidegate status` says what takes it; then try again"
    return f"no space left on the disk of {place}: {free_mb(place):.0f} MB are free. Make room: {fix}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
