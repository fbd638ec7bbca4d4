"""Takes a copy of a model folder, so that what is checked is what is stored."""

import shutil
from pathlib import Path

SKIPPED = frozenset({"__pycache__", "node_modules"})


class ReceiveError(Exception):
    """The folder cannot be taken."""


def model_files(folder: Path) -> list[str]:
    """Paths of the folder's files relative to it, `/` between parts; hidden ones and caches are left out.

    Raises:
        ReceiveError: it is no folder, or holds a link.
    """
    if not folder.is_dir():
        raise ReceiveError(f"{folder} is not a folder: name the one that holds the model file")
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in SKIPPED for part in parts):
            continue
        if path.is_symlink():
            raise ReceiveError(f"{path} is a link: replace it by what it points to")
        if path.is_file():
            found.append("/".join(parts))
    if not found:
        raise ReceiveError(f"{folder} holds no files: save the model there first")
    return found


def receive(folder: Path, files: list[str], staging: Path) -> int:
    """Copy these files; their size in bytes."""
    size = 0
    for name in files:
        target = staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)
        size += target.stat().st_size
    return size


def folder_size(folder: Path, files: list[str]) -> int:
    """Bytes of these files."""
    return sum((folder / name).stat().st_size for name in files)
