"""The runner's own code for an environment that has none of Tidegate: a sealed folder that holds this package alone."""

import compileall
import fcntl
import hashlib
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import model_runner
from model_runner.disk.durable import make_folder, replace, sync_tree
from model_runner.disk.seals import Seals
from model_runner.environment.sealing import remove, seal, seal_top

PREFIX = ".runner-"
_LOCK = ".runner.lock"
_ENTRY = "import sys\n\nfrom model_runner.__main__ import main\n\nsys.exit(main())\n"
_SETTLED_S = 3600.0
"""A copy that is younger may be one that is being made, or that a runner is about to start from."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "environment")


def runner_copy(root: Path) -> Path:
    """A folder to start with `python FOLDER`. It is named by the hash of the code, so an upgrade makes another one.

    Raises:
        OSError: it cannot be written.
    """
    package = Path(model_runner.__file__).parent
    folder, seals = root / f"{PREFIX}{_digest(package)}", Seals(root)
    if not (folder.is_dir() and seals.is_whole(folder.name, folder)):
        with _alone(root):
            if not seals.is_whole(folder.name, folder):
                remove(folder)
                _make(package, folder)
                seals.put(folder.name, folder)
    return folder


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Nobody else makes a copy meanwhile."""
    make_folder(root)
    with (root / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remove_old_copies(root: Path, in_use: Collection[str], now: float) -> list[str]:
    """Remove the copies of other versions of the code, but those that a process runs or may be about to.

    Args:
        in_use: names of folders.
        now: Unix time, seconds.
    """
    current = f"{PREFIX}{_digest(Path(model_runner.__file__).parent)}"
    old = [
        path
        for path in root.glob(f"{PREFIX}*")
        if path.name not in {current, *in_use} and now - path.stat().st_mtime > _SETTLED_S
    ]
    for path in old:
        Seals(root).forget(path.name)
        remove(path)
    return [path.name for path in old]


def _digest(package: Path) -> str:
    found = hashlib.sha256(_ENTRY.encode())
    for path in sorted(package.rglob("*.py")):
        content = path.read_bytes()
        found.update(f"{path.relative_to(package)} {len(content)} ".encode() + content)
    return found.hexdigest()[:16]


def _make(package: Path, folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}-{secrets.token_hex(4)}")
    try:
        shutil.copytree(package, fresh / package.name, ignore=_LEFT_OUT)
        (fresh / "__main__.py").write_text(_ENTRY, "utf-8")
        compileall.compile_dir(fresh, quiet=2)
        seal(fresh)
        sync_tree(fresh)
        replace(fresh, folder)
    finally:
        remove(fresh)
    seal_top(folder)
