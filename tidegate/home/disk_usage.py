"""What takes the room of this home, by kind."""

from pathlib import Path

from model_runner.disk.seals import tree_bytes
from model_runner.disk.space import free_mb
from storage.artifact_removal import local_store
from tidegate.home.caches import copies_path
from tidegate.settings import Settings


def usage_mb(settings: Settings) -> dict[str, float]:
    """Megabytes of each kind, the largest first. Stores that are elsewhere are not among them."""
    home = settings.home_path
    store = local_store(settings.artifacts)
    lfs = sum(tree_bytes(path) for path in (home / "git").glob("[!.]*/[!.]*.git/lfs"))
    found = {
        "artifacts": 0 if store is None else tree_bytes(store),
        "copies": tree_bytes(copies_path(settings)),
        "environments": tree_bytes(settings.environments_path),
        "git": tree_bytes(home / "git") - lfs,
        "LFS": lfs,
        "ClickHouse": tree_bytes(home / "clickhouse"),
        "logs": tree_bytes(settings.logs_path),
        "registry": sum(_size(path) for path in home.glob("registry.sqlite*")),
        "staging": tree_bytes(home / "staging"),
    }
    return {kind: round(size / 1e6, 1) for kind, size in sorted(found.items(), key=lambda pair: -pair[1])}


def room_mb(settings: Settings) -> float:
    """Megabytes that are free on the disk of the home folder."""
    return round(free_mb(settings.home_path), 1)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
