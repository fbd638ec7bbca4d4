"""One job from its start to its end: its work is done by a process of its own, and told line by line."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import structlog

from model_runner.explaining.raised import own_fault
from model_runner.plain_text import plain, quoted
from storage import registry
from storage.registry import Job, JobOverError, JobState
from tidegate.deployer.jobs.acceptance import accepted, commit_of
from tidegate.deployer.jobs.job_ends import UNTOUCHED, JobFailedError, NothingToDoError, bounded
from tidegate.deployer.jobs.ledger import Ledger
from tidegate.deployer.jobs.messages import (
    HasFailed,
    IsLive,
    IsPrepared,
    IsSaid,
    Order,
    Prepare,
    StageIsDone,
    Switch,
    values,
)
from tidegate.deployer.jobs.origin import Origin
from tidegate.deployer.jobs.prometheus import JOB_RETRIES, JOB_SECONDS, JOBS
from tidegate.deployer.jobs.pushes_together import branches_of
from tidegate.deployer.jobs.retrying import ATTEMPTS, next_attempt
from tidegate.deployer.jobs.staging import remove_files
from tidegate.deployer.jobs.workers import WorkerProcess, Workers
from tidegate.deployer.pipeline.stages import stage_after, stage_line

log = structlog.get_logger()
T = TypeVar("T", IsPrepared, IsLive)


@dataclass(frozen=True)
class Around:
    """What all jobs share."""

    ledger: Ledger
    workers: Workers
    staging: Path
    origins: dict[str, Origin]
    draw: Callable[[], float] = random.random
    most_s: float = 1800.0
    """What a job may take until it is prepared (TIDEGATE_JOB_TIMEOUT_S)."""
    in_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Of switches of one push, which otherwise all come at the same moment, each with a process of its own."""


class JobRun:
    """`run` it once in a task; to cancel the task ends the job, unless it is at the switch."""

    def __init__(self, job: Job, around: Around) -> None:
        self.job = job
        self.accepted = asyncio.Event()
        """Git has told that it took the commit."""
        self.is_switching = False
        self.cancelled_by_user = False
        self._around = around
        self._ledger = around.ledger
        self._origin = around.origins[job.kind]
        self._worker: WorkerProcess | None = None
        self._stage = "receive" if job.prepared is None else "switch"
        """What it is at: a failure that names none came up there."""

    async def run(self) -> None:
        """Ends with the job over, queued again, or (when the deployer stops) as it is."""
        began = time.monotonic()
        try:
            await self._attempt()
        except JobFailedError as error:
            await self._failed(error)
        except NothingToDoError as error:
            await self._over(JobState.SUCCEEDED, None, [f"  {plain(error)}"])
        except JobOverError as error:
            # It was cancelled just when it began.
            await self._end_worker()
            await self._ledger.abandon(self.job.deployment_id, str(error))
        except asyncio.CancelledError:
            if not self.cancelled_by_user:
                raise
            await self._end_worker()
            await self._over(JobState.CANCELLED, "cancelled", ["✗ cancelled", UNTOUCHED])
        except Exception as error:  # a fault of ours must not leave a job running for ever
            log.exception("job.fault", job=self.job.id)
            await self._failed(JobFailedError("", own_fault(error)))
        finally:
            await self._end_worker()
            JOB_SECONDS.labels(self.job.kind).observe(time.monotonic() - began)

    async def _attempt(self) -> None:
        seconds = self._around.most_s
        seconds_of_all = seconds * branches_of(self.job)
        slow = f"it took more than the {seconds:g} s that a job may: make its model faster to check"
        async with bounded(seconds, slow):
            if self.job.prepared is None:
                await self._prepare()
        # The other branches of its push have as long, each: git waits for all of them.
        async with bounded(seconds_of_all, f"git did not decide within {seconds_of_all:g} s: push again"):
            await self._await_acceptance()
            await self._origin.confirm(self.job)
        self.is_switching = True
        async with self._around.in_turn if branches_of(self.job) > 1 else contextlib.nullcontext():
            await self._switch()
            await self._lend_worker()

    async def _prepare(self) -> None:
        deployment_id = registry.new_deployment_id()
        # Told to the registry before there is such a deployment: whoever clears up after us knows what to look for.
        self.job = await self._ledger.change(registry.begin_job, self.job.id, deployment_id)
        log.info("job.began", job=self.job.id, kind=self.job.kind, model=self.job.model, attempt=self.job.attempts)
        if self.job.attempts == 1:
            await self._origin.began(self.job)
        await self._refuse_overtaken()
        files = await self._origin.files(self.job)
        order = Prepare(
            folder=files.folder,
            received_s=files.received_s,
            workspace=self.job.workspace,
            model=self.job.model,
            deployment_id=deployment_id,
            url=files.url,
            preview_of=self.job.branch if self.job.source.get("preview") else None,
        )
        done = await self._work(order, IsPrepared)
        self.job = await self._ledger.change(registry.prepare_job, self.job.id, values(done))
        await self._lend_worker()

    async def _refuse_overtaken(self) -> None:
        """Git compares too, but only when all the work is done."""
        if self.job.kind != "push":
            return
        found = await commit_of(self.job.source["repository"], self.job.branch)
        before = self.job.source["before"]
        if (found or "0" * len(before)) != before:
            raise JobFailedError(
                "receive",
                f"another push moved {self.job.branch} meanwhile: `git pull` what it brought, then push again",
            )

    async def _await_acceptance(self) -> None:
        if self.job.kind == "push" and not await accepted(self.job, self.accepted):
            raise JobFailedError(
                "switch", f"git did not take the commit, {self.job.branch} is where it was: see its message, push again"
            )

    async def _switch(self) -> None:
        try:
            await self._work(Switch(deployment_id=str(self.job.deployment_id)), IsLive)
        except JobFailedError as error:
            if not await self._ledger.was_live(self.job.deployment_id):
                raise
            # The traffic is switched, only others could not be told of it.
            await self._ledger.say(self.job.id, quoted(f"! {error.reason}"))
        await self.finish()

    async def finish(self) -> None:
        """The last words of a job whose version has the traffic."""
        closing = (self.job.prepared or {}).get("closing", [])
        await self._over(JobState.SUCCEEDED, None, closing)

    async def give_up(self, reason: str) -> None:
        """End a job whose deployer has died, and which cannot go on."""
        await self._over(JobState.FAILED, reason, [f"✗ {reason}", UNTOUCHED])

    async def _work(self, order: Order, until: type[T]) -> T:
        """Have a process do it, and tell its stages, up to this answer.

        Raises:
            JobFailedError: it failed, or the process ended.
        """
        if self._worker is None:
            self._worker = await self._around.workers.take()
        await self._worker.send(order)
        while (answer := await self._worker.answer()) is not None:
            if isinstance(answer, StageIsDone):
                self._stage = stage_after(answer.name)
                line = stage_line(answer.name, answer.seconds, answer.detail)
                await self._ledger.say(self.job.id, [line], stage=answer.name)
            elif isinstance(answer, IsSaid):
                await self._ledger.say(self.job.id, [f"  {answer.line}"])
            elif isinstance(answer, HasFailed):
                raise JobFailedError(answer.stage, answer.reason, can_pass=answer.can_pass)
            elif isinstance(answer, until):
                return answer
        fate = await self._worker.fate()
        raise JobFailedError("", f"the process that did its work {fate}: see `tidegate logs deployer`, then push again")

    async def _lend_worker(self) -> None:
        """To the next branch of its push: each that waits for the others would keep a process otherwise."""
        if branches_of(self.job) > 1 and self._worker is not None:
            worker, self._worker = self._worker, None
            await self._around.workers.put_back(worker)

    async def _end_worker(self) -> None:
        """Before its deployment is judged: it could make one a moment later."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    async def _failed(self, error: JobFailedError) -> None:
        await self._end_worker()
        await self._ledger.abandon(self.job.deployment_id, error.reason)
        now = datetime.now(UTC)
        again = next_attempt(self.job.attempts, now, self._around.draw()) if error.can_pass else None
        stage = error.stage or self._stage
        if again is None:
            told = [f"✗ {stage}", *_told(error.reason), "", UNTOUCHED]
            await self._over(JobState.FAILED, error.reason, told, stage)
            return
        JOB_RETRIES.labels(self.job.kind).inc()
        pause = (again - now).total_seconds()
        text = f"! {stage}: {error.reason} Attempt {self.job.attempts} of {ATTEMPTS}; again in {pause:.1f} s."
        with contextlib.suppress(JobOverError):
            await self._ledger.say(self.job.id, quoted(text))
            await self._ledger.change(registry.requeue_job, self.job.id, again)

    async def _over(self, state: JobState, error: str | None, lines: list[str], stage: str | None = None) -> None:
        """Its end, told and stored, with the stage that it failed at; nothing when it was over before."""
        await self._ledger.abandon(self.job.deployment_id, error or "")
        try:
            await self._ledger.say(self.job.id, lines, stage)
            self.job = await self._ledger.end(self.job.id, state, error)
        except JobOverError:
            return
        log.info("job.ended", job=self.job.id, state=state.value, error=error)
        JOBS.labels(self.job.kind, state.value).inc()
        await asyncio.to_thread(remove_files, self.job, self._around.staging)
        await self._origin.ended(self.job)


def _told(reason: str) -> list[str]:
    """Set in, so that a reason which holds a model's own words cannot look like a line of ours."""
    return [f"  {line}" for line in quoted(reason)]
