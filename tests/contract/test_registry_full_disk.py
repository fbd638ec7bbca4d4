"""A registry whose disk is full: changes of jobs wait for room, new jobs are refused, and all goes on afterwards."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from model_runner.disk import seals
from model_runner.disk.space import is_full, no_room
from model_runner.folder.bounds import FolderError
from storage import artifacts, registry
from storage.registry import Database, JobState
from tests.support.jobs import new_job
from tests.support.small_disk import SmallDisk, small_disk
from tidegate.deployer.jobs.ledger import Ledger, NoRoomError
from tidegate.deployer.jobs.retrying import can_pass
from tidegate.deployer.pipeline.registering import refuse_full_store


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 8) as made:
        yield made


@pytest.fixture
def database(disk: SmallDisk) -> Iterator[Database]:
    dsn = f"sqlite:///{disk.folder / 'registry.sqlite'}"
    registry.upgrade(dsn)
    opened = Database(dsn)
    yield opened
    opened.close()


LONG = ["a line of a job's log " * 500]
"""More than what is left of SQLite's own files holds."""


def test_a_job_that_ends_on_a_full_disk_waits_for_room(disk: SmallDisk, database: Database) -> None:
    async def story() -> None:
        ledger = Ledger(database, disk.folder)
        job = await ledger.add(registry.submit_job, new_job())
        disk.fill()
        saying = asyncio.create_task(ledger.say(job.id, LONG * 50))
        async with asyncio.timeout(60):
            while ledger.trouble is None:  # noqa: ASYNC110 - the ledger tells nobody of it
                await asyncio.sleep(0.05)
        assert not saying.done()
        assert "no space left on the disk of" in ledger.trouble, "and how much is free"
        assert (await ledger.read(registry.get_job, job.id)).state is JobState.QUEUED, "it can be read"
        disk.clear()
        async with asyncio.timeout(60):
            await saying
        assert ledger.trouble is None
        await ledger.end(job.id, JobState.FAILED, "no room")
        assert len(await ledger.lines(job.id, 0)) == 50

    asyncio.run(story())


def test_who_could_be_refused_is_not_kept_waiting(disk: SmallDisk, database: Database) -> None:
    async def story() -> None:
        ledger = Ledger(database, disk.folder)
        disk.fill()
        with pytest.raises(NoRoomError, match="MB are free"):  # noqa: PT012 - the first few fit into what SQLite has
            for _ in range(200):
                await ledger.add(registry.submit_job, new_job(commit="c" * 64))
        disk.clear()
        assert (await ledger.add(registry.submit_job, new_job())).state is JobState.QUEUED

    asyncio.run(story())


def test_a_copy_that_was_fetched_before_is_used_on_a_full_disk(
    disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a start of the machine, when it is compared and nothing can be written down of that."""
    (tmp_path / "model.pkl").write_bytes(b"x" * 50_000)
    made = artifacts.put(tmp_path, ["model.pkl"], (tmp_path / "store").as_uri())
    copy = artifacts.fetch(made.url, made.sha256, disk.folder / "models")
    disk.fill()
    monkeypatch.setattr(seals, "life", lambda: "another")
    assert artifacts.fetch(made.url, made.sha256, disk.folder / "models") == copy
    disk.clear()
    assert artifacts.fetch(made.url, made.sha256, disk.folder / "models") == copy


def test_a_store_without_room_is_told_before_it_is_written_to(disk: SmallDisk, tmp_path: Path) -> None:
    """Its folder is made by the first artifact; the disk of what was checked has room."""
    (tmp_path / "model.pkl").write_bytes(bytes(3_000_000))
    store = disk.folder / "artifacts"
    refuse_full_store(tmp_path, ["model.pkl"], store.as_uri(), 1_000_000)
    disk.fill(left_bytes=3_500_000)

    with pytest.raises(FolderError, match=r"the disk has no room for it: 3,000,000 bytes are to be written"):
        refuse_full_store(tmp_path, ["model.pkl"], store.as_uri(), 1_000_000)
    refuse_full_store(tmp_path, ["model.pkl"], "memory://elsewhere", 1_000_000)


def test_a_full_disk_is_told_from_other_trouble(disk: SmallDisk) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space left") as full:
        (disk.folder / "file").write_bytes(bytes(100_000))
    wrapped = RuntimeError("the copy failed")
    wrapped.__cause__ = full.value
    locked = OperationalError("SELECT 1", {}, Exception("database is locked"))

    assert is_full(full.value)
    assert is_full(wrapped)
    assert not can_pass(wrapped), "to try again at once is of no use"
    assert not is_full(locked)
    assert can_pass(locked)
    assert no_room(wrapped, disk.folder).startswith(f"no space left on the disk of {disk.folder}: 0 MB are free")
    named = OSError(28, "No space left on device", str(disk.folder / "file"))
    assert f"the disk of {disk.folder / 'file'}: " in no_room(named, Path("/"))
