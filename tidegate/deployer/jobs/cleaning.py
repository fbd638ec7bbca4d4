"""Removes what nobody needs any more: what killed pushes and checks left, LFS objects without a pointer, old jobs."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from gateway.git.content.tree import TreeError
from gateway.git.content.unneeded_lfs import unneeded
from storage import registry
from storage.registry import Database
from tidegate.deadlines import JOB_S, UNCLAIMED_S
from tidegate.deployer.jobs.prometheus import CLEANED
from tidegate.home.garbage import Garbage

log = structlog.get_logger()

FIRST_S, EVERY_S = 120.0, 3600.0
CHECKS = "tg-check-*"


@dataclass(frozen=True)
class Cleaner:
    """One pass at a time; what cannot be removed now is met again by the next."""

    database: Database
    repositories: Path
    """Holds `<workspace>/<model>.git`."""
    staging: Path
    keep: timedelta
    """How long jobs that are over, and LFS objects that nothing points to, stay."""
    garbage: Garbage | None = None
    """Artifacts, copies and logs; None where they are somebody else's to remove."""
    scratch: Path = Path(tempfile.gettempdir())
    """Where checks have their folders."""

    def clean(self, now: datetime) -> Counter[str]:
        """One pass; how many of each kind are gone."""
        gone: Counter[str] = Counter()
        held = registry.held_folders(self.database)
        for path in self._leftovers(now.timestamp() - JOB_S):
            if str(path) not in held:
                _remove(path)
                gone["leftover"] += 1
        for repository in self.repositories.glob("[!.]*/[!.]*.git"):
            gone["lfs_object"] += self._clean_lfs(repository, (now - self.keep).timestamp())
        for item in () if self.garbage is None else self.garbage.found(now):
            gone[item.kind] += self.garbage is not None and self.garbage.remove(item, now)
        gone["job"] += registry.remove_jobs(self.database, now - self.keep)
        return gone

    async def run(self) -> None:
        """For ever."""
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                gone = await asyncio.to_thread(self.clean, datetime.now(UTC))
            except Exception as error:  # a disk or a database that is away is no reason to end
                log.warning("cleaning.failed", reason=f"{type(error).__name__}: {error}")
            else:
                for kind, count in gone.items():
                    CLEANED.labels(kind).inc(count)
                if any(gone.values()):
                    log.info("cleaning.done", **gone)
            await asyncio.sleep(EVERY_S)

    def _leftovers(self, before: float) -> Iterator[Path]:
        """Quarantines and uploads of killed pushes, exports without a job, folders of killed checks."""
        places = (
            (self.repositories, "[!.]*/[!.]*.git/objects/incoming-*"),
            (self.repositories, "[!.]*/[!.]*.git/objects/tmp_objdir-*"),
            (self.repositories, "[!.]*/[!.]*.git/lfs/incoming/*"),
            (self.repositories, "[!.]*/.*.????????"),
            (self.staging, "push-*"),
            (self.staging, "deploy-*"),
            (self.scratch, CHECKS),
        )
        for folder, pattern in places:
            for path in folder.glob(pattern):
                with contextlib.suppress(FileNotFoundError):
                    found = path.lstat()
                    # In the folder that all share others may use this name too, and root could remove theirs.
                    if found.st_mtime < before and found.st_uid == os.getuid():
                        yield path

    def _clean_lfs(self, repository: Path, before: float) -> int:
        try:
            found = unneeded(repository, before)
        except TreeError as error:
            log.warning("cleaning.repository", repository=str(repository), reason=str(error))
            return 0
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep_at_start(staging: Path, held: Collection[str]) -> None:
    """Exports without a job; those that jobs hold stay however long these wait, and younger ones may get a job yet."""
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in staging.glob("push-*"):
        with contextlib.suppress(OSError):
            if str(folder) not in held and time.time() - folder.stat().st_mtime > UNCLAIMED_S:
                shutil.rmtree(folder, ignore_errors=True)
