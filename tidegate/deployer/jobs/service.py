"""The deployer: takes jobs, runs them side by side within its limit, and goes on where a former life ended."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.deployer.protocol import Accepted
from model_runner import watched
from storage import registry
from storage.registry import Job, JobOverError, JobState, NewJob
from tidegate.deployer.jobs.acceptance import commit_of, pusher_lives
from tidegate.deployer.jobs.job_ends import UNTOUCHED
from tidegate.deployer.jobs.job_run import Around, JobRun
from tidegate.deployer.jobs.ledger import Ledger
from tidegate.deployer.jobs.origin import Origin
from tidegate.deployer.jobs.prometheus import JOBS_UNFINISHED
from tidegate.deployer.jobs.recovery import JobTraces, RecoveryVerdict, verdict
from tidegate.deployer.jobs.scheduling import ahead_of, startable
from tidegate.deployer.jobs.workers import Workers

log = structlog.get_logger()

LOOK_S = 1.0
"""Between two looks at the queue when there is no news: jobs wait for their time."""


class TooLateError(Exception):
    """A job that cannot be cancelled any more."""


class Deployer:
    """`run` it once; the rest is asked through the socket."""

    def __init__(
        self,
        ledger: Ledger,
        workers: Workers,
        staging: Path,
        origins: Mapping[str, Origin],
        owner: str,
        limit: int,
        most_s: float,
    ) -> None:
        """
        Args:
            limit: how many jobs may run at once.
            most_s: how long one of them may.
        """
        self.ledger = ledger
        self._around = Around(ledger, workers, staging, dict(origins), most_s=most_s)
        self._workers = workers
        self._owner = owner
        self._limit = limit
        self._runs: dict[int, JobRun] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.ready = False
        self._broken: BaseException | None = None

    async def run(self) -> None:
        """Until it is cancelled; jobs that run are then left for the next life.

        Raises:
            Exception: a job could not be told to the registry. The next life finds out how far it was.
        """
        try:
            await self._recover()
            self.ready = True
            while True:
                news = self.ledger.news
                if self._broken is not None:
                    raise self._broken
                await self._start_what_can()
                if not await _came(news, LOOK_S) and not self._tasks:
                    # Only in a quiet moment: a process that starts takes time from the jobs, and from `tidegate up`.
                    await self._workers.refill()
        finally:
            await self._stop()

    async def submit(self, new: NewJob, delivery: str | None = None) -> tuple[Job, bool]:
        """Queue a job; False where this delivery had made one before."""
        if delivery is None:
            job, is_new = await self.ledger.add(registry.submit_job, new), True
        else:
            job, is_new = await self.ledger.add(registry.submit_delivery, delivery, new)
        if is_new:
            before = ahead_of(job, await self._unfinished())
            if before is not None:
                await self.ledger.say(job.id, [f"  waits for job {before.id}, which deploys the same model"])
        return job, is_new

    async def accept(self, taken: Accepted) -> Job | None:
        """Git took this commit: its job may switch. The job; None where there is none."""
        place = taken.workspace, taken.model, taken.commit, "push"
        job = await self.ledger.read(registry.newest_job, *place, branch=taken.branch)
        if job is not None and job.id in self._runs:
            self._runs[job.id].accepted.set()
        return job

    async def cancel(self, job_id: int) -> Job:
        """End a job that is not over.

        Raises:
            UnknownJobError, JobOverError: there is no such job, or it has ended.
            TooLateError: its version is just getting the traffic.
        """
        run, task = self._runs.get(job_id), self._tasks.get(job_id)
        if run is None or task is None:
            return await self._cancel_queued(job_id)
        job = await self.ledger.read(registry.get_job, job_id)
        if job.is_over:
            raise JobOverError(f"job {job_id} has {job.state} already: nothing is left to cancel")
        if run.is_switching:
            raise TooLateError(f"job {job_id} is switching the traffic: deploy the version before again")
        run.cancelled_by_user = True
        task.cancel()
        await asyncio.wait({task})
        return await self.ledger.read(registry.get_job, job_id)

    async def _cancel_queued(self, job_id: int) -> Job:
        job = await self.ledger.read(registry.get_job, job_id)
        if not job.is_over:
            # Before its end: whoever follows it stops there.
            await self.ledger.say(job_id, ["✗ cancelled", UNTOUCHED])
        return await self.ledger.end(job_id, JobState.CANCELLED, "cancelled")

    async def _unfinished(self) -> list[Job]:
        damaged: dict[str, str] = {}
        unfinished = await self.ledger.read(registry.unfinished_jobs, self._owner, damaged)
        for job_id, reason in damaged.items():
            if int(job_id) not in self._runs:
                await self._set_aside(int(job_id), f"{reason}. Deploy again")
        return unfinished

    async def _set_aside(self, job_id: int, reason: str) -> None:
        """One job that cannot be read must not hold up the others."""
        log.error("job.set_aside", job=job_id, reason=reason)
        await self.ledger.say(job_id, [f"✗ {reason}"])
        await self.ledger.abandon(await self.ledger.change(registry.set_job_aside, job_id, reason), reason)

    async def _start_what_can(self) -> None:
        unfinished = await self._unfinished()
        for state in (JobState.QUEUED, JobState.RUNNING):
            JOBS_UNFINISHED.labels(state.value).set(sum(job.state is state for job in unfinished))
        for job in startable(unfinished, set(self._runs), self._limit, datetime.now(UTC)):
            self._start(job)

    def _start(self, job: Job) -> None:
        run = self._runs[job.id] = JobRun(job, self._around)
        task = self._tasks[job.id] = watched.begin(run.run(), f"job {job.id}")
        task.add_done_callback(lambda done: self._forget(job.id, done))

    def _forget(self, job_id: int, task: asyncio.Task[None]) -> None:
        self._runs.pop(job_id, None)
        self._tasks.pop(job_id, None)
        if not task.cancelled() and self._broken is None:
            self._broken = task.exception()
        self.ledger.tell()

    async def _recover(self) -> None:
        """Jobs that ran when a former life ended."""
        for job in await self._unfinished():
            if job.state is JobState.RUNNING:
                await self._recover_one(job)

    async def _recover_one(self, job: Job) -> None:
        what, why = verdict(job, await self._look(job))
        log.warning("job.recovered", job=job.id, verdict=what.value, reason=why)
        if what is RecoveryVerdict.GO_ON:
            self._start(job)
            return
        if what is RecoveryVerdict.SUCCEEDED:
            await JobRun(job, self._around).finish()
            return
        await self.ledger.abandon(job.deployment_id, why or "the deployer ended; its job begins anew")
        if what is RecoveryVerdict.AGAIN:
            await self.ledger.say(job.id, ["! the deployer ended and was started again: the job begins anew"])
            await self.ledger.change(registry.requeue_job, job.id)
        else:
            await JobRun(job, self._around).give_up(why)

    async def _look(self, job: Job) -> JobTraces:
        repository, folder = job.source.get("repository"), job.source.get("folder")
        # Whether git still runs is asked first: what it did before it ended is then in the repository.
        lives = pusher_lives(job)
        return JobTraces(
            was_live=await self.ledger.was_live(job.deployment_id),
            pusher_lives=lives,
            is_taken=bool(repository) and await commit_of(str(repository), job.branch) == job.commit,
            has_files=bool(folder) and await asyncio.to_thread(Path(str(folder)).is_dir),
        )

    async def _stop(self) -> None:
        self.ready = False
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._workers.close()


async def _came(news: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await news.wait()
    except TimeoutError:
        return False
