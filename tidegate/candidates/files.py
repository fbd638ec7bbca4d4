"""The files of a candidate: those that are checked, in a folder of its own, without a second copy of their bytes."""

import os
from collections.abc import Iterable
from pathlib import Path


def link_files(folder: Path, files: Iterable[str], target: Path) -> None:
    """The same files in another folder of this disk. Raises OSError."""
    for file in files:
        path = target / file
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(folder / file, path, follow_symlinks=False)
