"""Takes artifacts and fetched copies away again: never what somebody is just storing, fetching or has just used."""

import fcntl
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from model_runner.disk.durable import make_folder
from model_runner.disk.seals import Seals

INDEX = "artifact.json"
"""Written last: an artifact without it is none."""
FETCHING, TRASH = ".fetch-", ".trash-"
_LOCK = ".lock"


@contextmanager
def in_use(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Nobody removes anything from a store or a cache meanwhile; `alone`: nobody else stores or fetches either."""
    make_folder(folder)
    with (folder / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def local_store(url: str) -> Path | None:
    """The folder of a store on this machine; None for any other, which others may share: nothing of it is removed."""
    fs, root = url_to_fs(url)
    return Path(root) if isinstance(fs, LocalFileSystem) else None


def is_stored(url: str) -> bool:
    """Whether there is an artifact at this URL; True where its store cannot be asked."""
    try:
        fs, root = url_to_fs(url)
        return bool(fs.exists(f"{root}/{INDEX}"))
    except Exception:
        # A store that is away is the store's trouble: whoever fetches will hear of it.
        return True


def remove_artifact(store: Path, sha256: str, before: float, is_needed: Callable[[], bool]) -> bool:
    """Remove it, unless it was stored since, or is needed after all; whether it is gone.

    Args:
        before: Unix time, seconds.
        is_needed: asked when nobody can store it any more.
    """
    folder = store / sha256
    with in_use(store, alone=True):
        if stored_at(folder) >= before or is_needed():
            return False
        trash = _set_aside(folder)
    shutil.rmtree(trash, ignore_errors=True)
    return True


def stored_at(folder: Path) -> float:
    """When an artifact was last put there; one that is not whole, when it was last written to."""
    index = folder / INDEX
    return (index if index.is_file() else folder).stat().st_mtime


def remove_copy(cache: Path, sha256: str, before: float, is_needed: Callable[[], bool]) -> bool:
    """The same for a fetched copy. A kill in the middle leaves what is removed the next time."""
    folder = cache / sha256
    with in_use(cache, alone=True):
        if copied_at(cache, sha256) >= before or is_needed():
            return False
        Seals(cache).forget(sha256)
        trash = _set_aside(folder)
    shutil.rmtree(trash, ignore_errors=True)
    return True


def _set_aside(folder: Path) -> Path:
    """Whole, and at once: who comes next finds nothing, and not the half of it."""
    trash = folder.with_name(f"{TRASH}{secrets.token_hex(6)}")
    folder.rename(trash)
    return trash


def copied_at(cache: Path, sha256: str) -> float:
    """When it was last fetched, or found to be there."""
    used = Seals(cache).last_used(sha256)
    return (cache / sha256).stat().st_mtime if used is None else used
