"""Whether a repository may grow: what it has already, and what the disk has left. Looked at before a push is read."""

from collections.abc import Iterator
from pathlib import Path

from gateway.git.config import GitConfig
from model_runner.folder.bounds import FolderError, refuse_without_room


def refuse_growth(config: GitConfig, repository: Path, size: int = 0) -> None:
    """Raises FolderError: there is no room for `size` more bytes in it."""
    refuse_without_room(config.root, size, config.bounds.reserve_bytes)
    held = sum(_sizes(repository))
    if held + size > config.max_repository_bytes:
        raise FolderError(
            f"the repository has {held:,} bytes, and may have {config.max_repository_bytes:,}. Remove what no branch "
            "needs (large files in old commits), or raise TIDEGATE_MAX_REPOSITORY_BYTES"
        )


def _sizes(repository: Path) -> Iterator[int]:
    """Of its packs and its LFS objects, those that are being received too: the rest is small."""
    for pattern in ("objects/pack/*", "objects/*/pack/*", "lfs/objects/*/*/*", "lfs/incoming/*"):
        for path in repository.glob(pattern):
            try:
                yield path.stat().st_size
            except OSError:
                continue  # it has just been moved or removed
