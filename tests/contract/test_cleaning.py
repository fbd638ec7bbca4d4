"""What the deployer removes, and what it must not: on real repositories, a real registry, and files of every age."""

import hashlib
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import registry
from storage.registry import Database, JobState
from tests.support.git_client import Clone
from tests.support.jobs import new_job
from tidegate.deployer.jobs.cleaning import Cleaner, sweep_at_start

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=100), NOW - timedelta(hours=1)


@pytest.fixture
def cleaner(tmp_path: Path, database: Database) -> Cleaner:
    for name in ("git/default", "staging", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    return Cleaner(database, tmp_path / "git", tmp_path / "staging", timedelta(days=90), scratch=tmp_path / "scratch")


def _made(path: Path, moment: datetime, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def _folder(path: Path, moment: datetime) -> Path:
    _made(path / "file", moment)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def _lfs_object(repository: Path, content: bytes, moment: datetime) -> tuple[Path, str]:
    """The object, and the pointer to it."""
    oid = hashlib.sha256(content).hexdigest()
    path = _made(repository / "lfs" / "objects" / oid[:2] / oid[2:4] / oid, moment, content)
    return path, f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


def test_lfs_objects_go_when_no_commit_points_to_them_and_they_are_old(cleaner: Cleaner, tmp_path: Path) -> None:
    repository = cleaner.repositories / "default" / "market.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    on_main, main_pointer = _lfs_object(repository, b"on main", OLD)
    on_branch, branch_pointer = _lfs_object(repository, b"in the history of a branch", OLD)
    forgotten, _ = _lfs_object(repository, b"never committed", OLD)
    on_its_way, _ = _lfs_object(repository, b"uploaded just now", YOUNG)
    clone = Clone(tmp_path / "w", str(repository))
    (clone.folder / "model.joblib").write_text(branch_pointer)
    clone.commit()
    (clone.folder / "model.joblib").write_text(main_pointer)
    clone.commit()
    clone.git("push", "--quiet", "tidegate", "main", "HEAD~:refs/heads/other")

    assert cleaner.clean(NOW)["lfs_object"] == 1
    assert [path.exists() for path in (on_main, on_branch, forgotten, on_its_way)] == [True, True, False, True]
    assert cleaner.clean(NOW)["lfs_object"] == 0


def test_a_repository_that_git_cannot_read_loses_nothing(cleaner: Cleaner) -> None:
    kept, _ = _lfs_object(cleaner.repositories / "default" / "broken.git", b"somebody's", OLD)

    assert cleaner.clean(NOW)["lfs_object"] == 0
    assert kept.exists()


def test_what_killed_pushes_and_checks_left_goes_after_a_day(cleaner: Cleaner) -> None:
    repository = cleaner.repositories / "default" / "market.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    names = (
        repository / "objects" / "incoming-a1",
        repository / "objects" / "tmp_objdir-a1",
        repository / "lfs" / "incoming" / "0123.ab",
        cleaner.repositories / "default" / ".market.0a1b2c3d",
        cleaner.staging / "push-market-1",
        cleaner.staging / "deploy-1",
        cleaner.scratch / "tg-check-1",
    )
    old = [_folder(path, NOW - timedelta(hours=30)) for path in names]
    young = [_folder(path.with_name(f"{path.name[:-1]}9"), YOUNG) for path in names]
    others = [_folder(path, OLD) for path in (cleaner.scratch / "other", cleaner.staging / "job-7")]

    assert cleaner.clean(NOW)["leftover"] == len(old)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in [*young, *others])
    assert (repository / "HEAD").exists()


def test_the_export_of_a_job_that_waits_stays_however_old_it_is(cleaner: Cleaner, database: Database) -> None:
    """Whether it waits for a model that takes hours to load, or for a deployer that was away."""
    waits, over, nobodys = (_folder(cleaner.staging / f"push-{name}", OLD) for name in ("a", "b", "c"))
    registry.submit_job(database, replace(new_job(), source={"folder": str(waits)}))
    ended = registry.submit_job(database, replace(new_job(), source={"folder": str(over)})).id
    registry.end_job(database, ended, JobState.FAILED)

    assert cleaner.clean(NOW)["leftover"] == 2
    assert [path.exists() for path in (waits, over, nobodys)] == [True, False, False]
    sweep_at_start(cleaner.staging, registry.held_folders(database))
    assert waits.exists()
    sweep_at_start(cleaner.staging, ())
    assert not waits.exists()


def test_jobs_that_were_over_long_ago_are_forgotten_with_their_logs(cleaner: Cleaner, database: Database) -> None:
    def over(ended: datetime, delivery: str) -> int:
        number = registry.submit_delivery(database, delivery, new_job(kind="github"), now=ended)[0].id
        registry.say(database, number, ["a line"], now=ended)
        registry.end_job(database, number, JobState.SUCCEEDED, now=ended)
        return number

    gone, kept = over(OLD, "d-1"), over(YOUNG, "d-2")
    waits = registry.submit_job(database, new_job(), now=OLD).id

    assert cleaner.clean(NOW)["job"] == 1
    assert {job.id for job in registry.list_jobs(database)} == {kept, waits}
    assert registry.lines_of(database, gone) == []
    assert len(registry.lines_of(database, kept)) == 1
