"""The management API of jobs: reads the registry, and asks the deployer to cancel."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Semaphore

from sqlalchemy.exc import SQLAlchemyError

from gateway.deployer.client import DeployerAwayError, ask
from gateway.deployer.protocol import Cancel, Ended, Refused
from gateway.management.jobs import JobLineView, JobLog, Jobs, JobView
from gateway.refusals import Refusal
from storage.registry import DamagedRowError, Database, Job, JobState, UnknownJobError, get_job, lines_of, list_jobs

LOOK_S = 0.2
"""Between two looks for a new line."""
MOST_FOLLOWERS = 16
"""Callers that wait for lines at once; each has a thread."""
DEPLOYER_S = 5.0


class JobsOfRegistry:
    """A gateway.management.jobs.JobManagement."""

    def __init__(self, database_dsn: str, deployer: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """`deployer`: its socket."""
        self._database = Database(database_dsn)
        self._deployer = deployer
        self._clock = clock
        self._followers = Semaphore(MOST_FOLLOWERS)

    def jobs(self, workspace: str, model: str | None, state: str | None, limit: int) -> Jobs:
        with _refusing():
            wanted = None if state is None else JobState(state)
            damaged: dict[str, str] = {}
            found = list_jobs(self._database, model, workspace, state=wanted, limit=limit, unreadable=damaged)
            return Jobs(jobs=[_view(job) for job in found], unreadable=list(damaged.values()))

    def job(self, number: int) -> JobView:
        with _refusing():
            return _view(get_job(self._database, number))

    def log(self, number: int, after: int, wait_s: float) -> JobLog:
        log = self._log(number, after)
        if log.lines or log.is_over or not wait_s:
            return log
        if not self._followers.acquire(blocking=False):
            message = f"{MOST_FOLLOWERS} callers follow jobs already; try again, or ask without wait_s"
            raise Refusal(503, "busy", message, retry_after_s=5)
        try:
            deadline = self._clock() + wait_s
            while not (log.lines or log.is_over) and self._clock() < deadline:
                time.sleep(LOOK_S)
                log = self._log(number, after)
            return log
        finally:
            self._followers.release()

    def cancel(self, number: int) -> JobView:
        self.job(number)
        try:
            answer = next(iter(ask(self._deployer, Cancel(number), DEPLOYER_S)), None)
        except DeployerAwayError as error:
            raise Refusal(503, "unavailable", f"The job was not cancelled: {error}", retry_after_s=5) from None
        if isinstance(answer, Refused):
            raise Refusal(409, "wrong_state", answer.reason[:1].upper() + answer.reason[1:])
        if not isinstance(answer, Ended):
            raise Refusal(503, "unavailable", "The deployer ended before it answered; look at the job", retry_after_s=5)
        return self.job(number)

    def _log(self, number: int, after: int) -> JobLog:
        with _refusing():
            # The state first: lines that come in between are read, and none is missed at the end.
            job = get_job(self._database, number)
            lines = lines_of(self._database, number, after)
        shown = [JobLineView(number=line.number, moment=line.moment, text=line.text) for line in lines]
        return JobLog(state=job.state.value, is_over=job.is_over, lines=shown)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except UnknownJobError as error:
        raise Refusal(404, "unknown_job", f"{str(error)[:1].upper()}{str(error)[1:]}: see GET /api/v1/jobs") from None
    except DamagedRowError as error:
        raise Refusal(503, "unavailable", f"The job cannot be read: {error}") from None
    except SQLAlchemyError:
        raise Refusal(503, "unavailable", "The registry does not answer; try again", retry_after_s=5) from None


def _view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        workspace=job.workspace,
        model=job.model,
        kind=job.kind,
        branch=job.branch,
        commit=job.commit,
        state=job.state.value,
        stage=job.stage,
        attempts=job.attempts,
        version=(job.prepared or {}).get("version"),
        deployment_id=job.deployment_id,
        error=job.error,
        created=job.created,
        started=job.started,
        ended=job.ended,
    )
