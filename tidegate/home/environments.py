"""The environments of one home: where they are, who uses them, and room for new ones."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import psutil

from model_runner.environment import Entry, Store, evict
from model_runner.environment.host import this_host
from model_runner.environment.key import environment_key
from model_runner.environment.runner_copy import remove_old_copies
from storage.registry import Database, desired_runners
from tidegate.settings import Settings

log = logging.getLogger("tidegate.home.environments")


def store_of(settings: Settings) -> Store:
    """Where this home keeps its environments."""
    root = settings.environments_path
    return Store(root, root / ".downloads", settings.environment_timeout_s)


def users(database: Database) -> dict[str, list[str]]:
    """The versions whose runner is or may be up, `model version`, by the key of their environment on this machine."""
    found: dict[str, list[str]] = {}
    for runner in desired_runners(database):
        key = key_here(runner.manifest)
        if key is not None:
            found.setdefault(key, []).append(f"{runner.model} {runner.version}")
    return found


def key_here(manifest: Mapping[str, Any]) -> str | None:
    """The key of a version's environment on this machine, which may be another than where it was deployed."""
    kept = manifest.get("environment")
    return None if kept is None else environment_key(kept["packages"], this_host())


def running(store: Store) -> set[str]:
    """Keys of the environments that a process of this machine runs in, whatever the registry says."""
    root = f"{store.root}/"
    commands = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    words = (word for command in commands for word in command if word.startswith(root))
    return {word.removeprefix(root).split("/")[0] for word in words}


def make_room(store: Store, limit_mb: int, database: Database) -> list[Entry]:
    """Remove what no deployment uses until the store is within its limit; what went."""
    in_use = running(store)
    for name in remove_old_copies(store.root, in_use, time.time()):
        log.info("removed %s, the runner of another version of Tidegate", name)
    gone = evict(store, limit_mb * 1_000_000, users(database).keys() | in_use)
    for entry in gone:
        log.info("removed environment %s (%.0f MB), which nothing used", entry.about.key, entry.about.bytes / 1e6)
    return gone
