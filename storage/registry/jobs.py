"""The life of jobs: queued, running, then succeeded, failed or cancelled. A job that is over never changes again."""

from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage.registry.damaged import check, read_rows, require, tell
from storage.registry.database import Database
from storage.registry.errors import RegistryError
from storage.registry.job_records import UNFINISHED, Job, JobLine, JobState, NewJob
from storage.registry.job_tables import DeliveryRow, JobLineRow, JobRow

_REMOVED_AT_ONCE = 500
"""So that nobody waits long for the registry."""
LARGEST = 2**31 - 1
"""Number of a row, in every database. A caller may send any."""


class UnknownJobError(RegistryError):
    """No job of that number."""


class JobOverError(RegistryError):
    """The job has ended: nothing about it can change."""


def submit_job(database: Database, new: NewJob, *, now: datetime | None = None) -> Job:
    """Put a job into the queue."""
    with database.write() as session:
        return _to_job(_add(session, new, now or datetime.now(UTC)))


def submit_delivery(database: Database, delivery: str, new: NewJob, *, now: datetime | None = None) -> tuple[Job, bool]:
    """The job of a webhook, and whether it is new: the same delivery makes one job, however often it comes."""
    moment = now or datetime.now(UTC)
    with database.write() as session:
        seen = session.get(DeliveryRow, delivery)
        if seen is not None:
            return _to_job(_get(session, seen.job_id)), False
        row = _add(session, new, moment)
        session.add(DeliveryRow(id=delivery, received=moment, job_id=row.id))
        return _to_job(row), True


def begin_job(database: Database, job_id: int, deployment_id: str, *, now: datetime | None = None) -> Job:
    """Start an attempt, whose deployment will have this id. Raises JobOverError."""
    with database.write() as session:
        row = _unfinished(session, job_id)
        row.state = JobState.RUNNING
        row.attempts += 1
        row.started = row.started or now or datetime.now(UTC)
        row.deployment_id = deployment_id
        row.stage, row.not_before, row.prepared = "", None, None
        return _to_job(row)


def requeue_job(database: Database, job_id: int, not_before: datetime | None = None) -> Job:
    """Let it be tried again. Raises JobOverError."""
    with database.write() as session:
        row = _unfinished(session, job_id)
        row.state, row.not_before, row.prepared = JobState.QUEUED, not_before, None
        return _to_job(row)


def prepare_job(database: Database, job_id: int, prepared: dict[str, Any]) -> Job:
    """All but the switch is done; the number of its lines goes into `prepared`. Raises JobOverError."""
    with database.write() as session:
        row = _unfinished(session, job_id)
        row.prepared = {**prepared, "lines": _line_count(session, job_id)}
        return _to_job(row)


def end_job(
    database: Database, job_id: int, state: JobState, error: str | None = None, *, now: datetime | None = None
) -> Job:
    """Its last change. Raises JobOverError where it was over before."""
    with database.write() as session:
        row = _unfinished(session, job_id)
        row.state, row.error, row.ended, row.not_before = state, error, now or datetime.now(UTC), None
        return _to_job(row)


def say(
    database: Database, job_id: int, texts: Iterable[str], *, stage: str | None = None, now: datetime | None = None
) -> int:
    """Add lines to its log, and note the stage (done, or failed); the last line's number. Raises UnknownJobError."""
    moment = now or datetime.now(UTC)
    with database.write() as session:
        row = _get(session, job_id)
        if stage is not None:
            row.stage = stage
        number = _line_count(session, job_id)
        for text in texts:
            number += 1
            session.add(JobLineRow(job_id=job_id, number=number, moment=moment, text=text))
        return number


def lines_of(database: Database, job_id: int, after: int = 0) -> list[JobLine]:
    """Its lines with a number above `after`, in order."""
    statement = select(JobLineRow).where(JobLineRow.job_id == job_id, JobLineRow.number > min(after, LARGEST))
    with database.read() as session:
        rows = session.scalars(statement.order_by(JobLineRow.number))
        return [JobLine(row.number, row.moment, row.text) for row in rows]


def remove_jobs(database: Database, before: datetime) -> int:
    """Forget the jobs that were over by then, with their logs; how many there were. What they deployed stays."""
    with database.write() as session:
        old = select(JobRow.id).where(JobRow.ended < before).limit(_REMOVED_AT_ONCE)
        numbers = list(session.scalars(old))
        for table, column in ((JobLineRow, JobLineRow.job_id), (DeliveryRow, DeliveryRow.job_id), (JobRow, JobRow.id)):
            session.execute(delete(table).where(column.in_(numbers)))
        return len(numbers)


def get_job(database: Database, job_id: int) -> Job:
    """Raises UnknownJobError."""
    with database.read() as session:
        return _to_job(_get(session, job_id))


def list_jobs(
    database: Database,
    model: str | None = None,
    workspace: str | None = None,
    *,
    state: JobState | None = None,
    limit: int = 50,
    unreadable: MutableMapping[str, str] | None = None,
) -> list[Job]:
    """The latest jobs, newest first. `unreadable` takes those that cannot be read, by id, with the reason."""
    statement = select(JobRow).order_by(JobRow.id.desc()).limit(limit)
    if model is not None:
        statement = statement.where(JobRow.model == model)
    if workspace is not None:
        statement = statement.where(JobRow.workspace == workspace)
    if state is not None:
        statement = statement.where(JobRow.state == state)
    damaged: dict[str, str] = {}
    with database.read() as session:
        found = read_rows(session.scalars(statement), _to_job, damaged)
    tell(damaged, unreadable, "a job")
    return found


def unfinished_jobs(database: Database, owner: str, damaged: MutableMapping[str, str] | None = None) -> list[Job]:
    """What a deployer still has to do, oldest first.

    `damaged` takes the ids of jobs that cannot be read, with the reason; without it they raise DamagedRowError.
    """
    statement = select(JobRow).where(JobRow.owner == owner, JobRow.state.in_(UNFINISHED)).order_by(JobRow.id)
    with database.read() as session:
        return read_rows(session.scalars(statement), _to_job, damaged)


def set_job_aside(database: Database, job_id: int, reason: str, *, now: datetime | None = None) -> str | None:
    """End a job that cannot be read: nobody can do it. What could not be read of it is gone then.

    Returns:
        its deployment, where it had one.
    """
    sound = {"state": JobState.FAILED, "ended": now or datetime.now(UTC), "error": reason, "source": {}}
    cleared = {"prepared": None, "started": None, "not_before": None}
    with database.write() as session:
        session.execute(update(JobRow).where(JobRow.id == job_id).values(**sound, **cleared))
        return session.scalar(select(JobRow.deployment_id).where(JobRow.id == job_id))


def held_folders(database: Database) -> set[str]:
    """Folders whose files a job that is not over still needs."""
    with database.read() as session:
        sources = list(session.scalars(select(JobRow.source).where(JobRow.state.in_(UNFINISHED))))
    return {str(source["folder"]) for source in sources if isinstance(source, dict) and source.get("folder")}


def newest_job(database: Database, workspace: str, model: str, commit: str, kind: str, *, branch: str) -> Job | None:
    """The last job of this commit on this branch: several branches may be at one commit."""
    statement = select(JobRow).where(
        JobRow.workspace == workspace,
        JobRow.model == model,
        JobRow.commit_sha == commit,
        JobRow.kind == kind,
        JobRow.branch == branch,
    )
    with database.read() as session:
        row = session.scalars(statement.order_by(JobRow.id.desc()).limit(1)).first()
        return None if row is None else _to_job(row)


def _add(session: Session, new: NewJob, now: datetime) -> JobRow:
    row = JobRow(
        owner=new.owner,
        kind=new.kind,
        workspace=new.workspace,
        model=new.model,
        branch=new.branch,
        commit_sha=new.commit,
        source=dict(new.source),
        state=JobState.QUEUED,
        stage="",
        attempts=0,
        created=now,
    )
    session.add(row)
    session.flush()
    return row


def _get(session: Session, job_id: int) -> JobRow:
    row = session.get(JobRow, job_id) if 0 < job_id <= LARGEST else None
    if row is None:
        raise UnknownJobError(f"there is no job {job_id}: see `tidegate jobs`")
    return row


def _unfinished(session: Session, job_id: int) -> JobRow:
    row = _get(session, job_id)
    if row.state not in UNFINISHED:
        raise JobOverError(f"job {job_id} has {row.state} already: nothing is left to change")
    return row


def _line_count(session: Session, job_id: int) -> int:
    return session.scalar(select(func.max(JobLineRow.number)).where(JobLineRow.job_id == job_id)) or 0


def _to_job(row: JobRow) -> Job:
    check(row)
    require(row.source, dict, "jobs.source")
    return Job(
        id=row.id,
        owner=row.owner,
        kind=row.kind,
        workspace=row.workspace,
        model=row.model,
        branch=row.branch,
        commit=row.commit_sha,
        source=row.source,
        state=JobState(row.state),
        stage=row.stage,
        attempts=row.attempts,
        created=row.created,
        started=row.started,
        ended=row.ended,
        not_before=row.not_before,
        deployment_id=row.deployment_id,
        prepared=row.prepared,
        error=row.error,
    )
