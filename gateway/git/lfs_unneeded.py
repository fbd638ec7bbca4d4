"""Git LFS objects that no file of any commit in the repository stands for."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.git.tree import POINTER_BYTES, Entry, TreeError, pointers


def unneeded(repository: Path, before: float, environment: Mapping[str, str] | None = None) -> list[Path]:
    """Those that came before a moment: younger ones may be of a push that is on its way.

    Args:
        before: Unix time, seconds.

    Raises:
        TreeError: git cannot read the repository. Then nobody knows what is needed.
    """
    old = [path for path in (repository / "lfs" / "objects").glob("*/*/*") if path.stat().st_mtime < before]
    if not old:
        return []
    # Also what no branch leads to: it may be pushed again until git itself removes it.
    needed = {
        pointer.oid for _, pointer in pointers(list(_small(repository, environment)), environment, str(repository))
    }
    return [path for path in old if path.name not in needed]


def _small(repository: Path, environment: Mapping[str, str] | None) -> Iterator[Entry]:
    """Every file's content that may be a pointer."""
    command = ["git", "--git-dir", str(repository), "cat-file", "--batch-all-objects", "--batch-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise TreeError(f"git cannot list the objects of {repository}: {done.stderr.strip()}")
    for line in done.stdout.splitlines():
        name, kind, size = line.split()
        if kind == "blob" and int(size) <= POINTER_BYTES:
            yield Entry("", name, int(size), "")
