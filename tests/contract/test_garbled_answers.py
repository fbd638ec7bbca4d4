"""A process that does a job's work and answers nearly right: its job ends with a reason, and the next is done."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from storage import registry
from storage.registry import Database, Job, JobState
from tests.support.jobs import new_job
from tests.support.mutations import mutated
from tidegate.deployer.jobs.job_run import Around, JobRun
from tidegate.deployer.jobs.ledger import Ledger
from tidegate.deployer.jobs.messages import IsLive, IsPrepared, IsSaid, StageIsDone, encode
from tidegate.deployer.jobs.origin import Files
from tidegate.deployer.jobs.workers import LINE_BYTES, WorkerProcess

ANSWERS = (
    encode(StageIsDone(name="load", seconds=0.5, detail="a pipeline")),
    encode(IsSaid(line="2 columns are left out")),
    encode(IsPrepared(version=1, closing=["it is live"])),
    encode(IsLive()),
)
SAY = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()); sys.stdout.flush(); sys.stdin.read()"


class Liars:
    """In place of Workers: processes that say what stands in a file, whatever they are asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def take(self) -> WorkerProcess:
        command = (sys.executable, "-S", "-c", SAY, str(self._path))
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES)
        assert process.stdin is not None
        assert process.stdout is not None
        return WorkerProcess(process, process.stdin, process.stdout)


class Upload:
    """An origin of jobs without git behind them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def files(self, _job: Job) -> Files:
        return Files(str(self._folder), 0.0, "http://127.0.0.1:1")

    async def confirm(self, _job: Job) -> None:
        """Nobody objects."""

    async def began(self, _job: Job) -> None:
        """Nobody is told."""

    async def ended(self, _job: Job) -> None:
        """Likewise."""


def end_of(database: Database, folder: Path, said: bytes) -> Job:
    """A job whose process says this, after its end."""
    (folder / "said").write_bytes(said)
    job = registry.submit_job(database, new_job(kind="upload"))
    around = Around(
        Ledger(database, folder), cast(Any, Liars(folder / "said")), folder / "staging", {"upload": Upload(folder)}
    )
    asyncio.run(asyncio.wait_for(JobRun(job, around).run(), 60))
    return registry.get_job(database, job.id)


def garbled(dice: random.Random) -> Sequence[bytes]:
    lines = list(ANSWERS[:3])
    index = dice.randrange(len(lines))
    lines[index] = mutated([lines[index]], dice)
    return lines


def test_each_job_ends_and_the_next_is_done(database: Database, tmp_path: Path) -> None:
    dice = random.Random(13)
    for said in (*(b"".join(garbled(dice)) + b"\n" for _ in range(20)), b"x" * (LINE_BYTES + 10)):
        ended = end_of(database, tmp_path, said + b"".join(ANSWERS[1:]) + b"\xff\n")
        assert ended.state in (JobState.FAILED, JobState.SUCCEEDED)
        assert (ended.state is JobState.FAILED) == bool(ended.error)
    assert end_of(database, tmp_path, b"".join(ANSWERS)).state is JobState.SUCCEEDED
    assert not registry.unfinished_jobs(database, "here")
