"""Git LFS objects that no file of any commit in the repository stands for."""

from collections.abc import Mapping
from pathlib import Path

from gateway.git.content.blobs import Blobs
from gateway.git.content.tree import parse_pointer, small_blobs


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
    needed = set()
    with Blobs(environment, str(repository)) as blobs:
        # Also what no branch leads to: it may be pushed again until git itself removes it.
        for name, size in small_blobs(str(repository), environment):
            pointer = parse_pointer(blobs.read(name, size))
            if pointer is not None:
                needed.add(pointer.oid)
    return [path for path in old if path.name not in needed]
