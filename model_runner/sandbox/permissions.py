"""Modes and owners of files for a process that runs as a user of its own."""

import stat
from pathlib import Path

_FOLDER, _FILE = 0o555, 0o444


def open_to_all(folder: Path) -> bool:
    """Whether any user may read the whole folder."""
    return all(_mode(path) & _wanted(path) == _wanted(path) for path in [folder, *folder.rglob("*")])


def open_up(folder: Path) -> None:
    """Let any user read the folder, which must be our own copy. Who may come to it the folder around it says."""
    for path in [folder, *folder.rglob("*")]:
        wanted = _mode(path) | _wanted(path)
        if wanted != _mode(path):
            path.chmod(wanted)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _wanted(path: Path) -> int:
    return _FOLDER if path.is_dir() else _FILE
