"""What of this home nobody needs any more: found with the reason, and removed one by one.

Safe beside deployments, and beside another collector: each thing is looked at again when nobody can begin to use it.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from model_runner.disk.seals import tree_bytes
from storage.artifact_removal import (
    FETCHING,
    INDEX,
    TRASH,
    copied_at,
    local_store,
    remove_artifact,
    remove_copy,
    stored_at,
)
from storage.registry import Database, desired_runners, version_uses
from tidegate.home.caches import copies_path
from tidegate.home.retention import Retention, kept, running
from tidegate.parts.names import RUNNER_PREFIX
from tidegate.settings import Settings

SETTLED_S = 86_400.0
"""What is younger may be half of something: an artifact whose version is not in the registry yet."""


@dataclass(frozen=True)
class Item:
    kind: str
    """`artifact`, `copy`, `log` or `leftover`."""
    path: Path
    bytes: int
    reason: str


@dataclass(frozen=True)
class Garbage:
    """Of one home. What cannot be removed now is found again."""

    database: Database
    store: Path | None
    """The artifacts, where they are this home's own; those of a store elsewhere are left alone."""
    copies: Path
    logs: Path
    rule: Retention

    def found(self, now: datetime) -> Iterator[Item]:
        """All that may go."""
        yield from self._artifacts(now)
        yield from self._copies(now)
        yield from self._logs(now)
        yield from self._leftovers(now)

    def remove(self, item: Item, now: datetime) -> bool:
        """Whether it is gone: what somebody has begun to use stays."""
        if item.kind == "artifact" and self.store is not None:
            needed = partial(self._is_kept, item.path.name, now)
            return remove_artifact(self.store, item.path.name, now.timestamp() - SETTLED_S, needed)
        if item.kind == "copy":
            before = (now - self.rule.copies).timestamp()
            return remove_copy(self.copies, item.path.name, before, partial(self._runs, item.path.name))
        if item.path.is_dir():
            shutil.rmtree(item.path, ignore_errors=True)
        else:
            item.path.unlink(missing_ok=True)
        return not item.path.exists()

    def _artifacts(self, now: datetime) -> Iterator[Item]:
        needed = kept(version_uses(self.database), self.rule, now)
        for folder in _folders(self.store):
            with contextlib.suppress(FileNotFoundError):
                if folder.name not in needed and now.timestamp() - stored_at(folder) > SETTLED_S:
                    whole = (folder / INDEX).is_file()
                    reason = f"unused for {self.rule.unused.days} days, and not among the {self.rule.versions} newest"
                    yield _item("artifact", folder, reason if whole else "not whole, and nobody writes it")

    def _copies(self, now: datetime) -> Iterator[Item]:
        runs = running(version_uses(self.database))
        before = (now - self.rule.copies).timestamp()
        for folder in _folders(self.copies):
            with contextlib.suppress(FileNotFoundError):
                if folder.name not in runs and copied_at(self.copies, folder.name) < before:
                    yield _item("copy", folder, "no deployment runs it; it is fetched again when one does")

    def _logs(self, now: datetime) -> Iterator[Item]:
        alive = {runner.deployment_id for runner in desired_runners(self.database)}
        for path in sorted(self.logs.glob(f"{RUNNER_PREFIX}*.log*")):
            with contextlib.suppress(FileNotFoundError):
                ended = path.name.removeprefix(RUNNER_PREFIX).split(".")[0] not in alive
                if ended and path.stat().st_mtime < (now - self.rule.logs).timestamp():
                    yield _item("log", path, f"its deployment ended, {self.rule.logs.days} days or more ago")

    def _leftovers(self, now: datetime) -> Iterator[Item]:
        for pattern in (f"{FETCHING}*", f"{TRASH}*"):
            for path in (*self.copies.glob(pattern), *(self.store.glob(pattern) if self.store else ())):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < now.timestamp() - SETTLED_S:
                        yield _item("leftover", path, "of a process that was killed")

    def _is_kept(self, sha256: str, now: datetime) -> bool:
        return sha256 in kept(version_uses(self.database), self.rule, now)

    def _runs(self, sha256: str) -> bool:
        return sha256 in running(version_uses(self.database))


def garbage_of(settings: Settings, database: Database) -> Garbage:
    return Garbage(
        database=database,
        # A store that was named may have other users, whose versions this registry does not know.
        store=local_store(settings.artifacts) if settings.artifacts_url is None else None,
        copies=copies_path(settings),
        logs=settings.logs_path,
        rule=Retention(
            versions=settings.keep_versions,
            unused=timedelta(days=settings.keep_unused_days),
            logs=timedelta(days=settings.keep_log_days),
        ),
    )


def _folders(parent: Path | None) -> list[Path]:
    """Those that are named by a hash."""
    if parent is None or not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if len(path.name) == 64 and path.is_dir())


def _item(kind: str, path: Path, reason: str) -> Item:
    size = tree_bytes(path) if path.is_dir() else os.lstat(path).st_size
    return Item(kind, path, size, reason)
