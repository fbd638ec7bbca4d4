"""The life of deployments: starting, live, warm, retired or failed."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.registry.database import Database
from storage.registry.errors import DeploymentStateError, UnknownDeploymentError, UnknownVersionError
from storage.registry.live import WITH_MODEL, to_deployment
from storage.registry.records import (
    DEFAULT_WORKSPACE,
    WITH_RUNNER,
    Deployment,
    Role,
    Status,
)
from storage.registry.tables import DeploymentRow, ModelRow, VersionRow

WARM_KEPT = 1
"""Previous versions whose runner stays up for a rollback."""


def new_deployment_id() -> str:
    """Short, since a Unix socket is named after it (108 bytes in all)."""
    return f"d{secrets.token_hex(6)}"


def create_deployment(
    database: Database,
    version_id: int,
    *,
    role: Role = Role.PRIMARY,
    weight: float = 1.0,
    profile_id: str | None = None,
    deployment_id: str | None = None,
    now: datetime | None = None,
) -> Deployment:
    """Ask for a runner of a version; no traffic goes to it before `switch_route`.

    Raises:
        UnknownVersionError: no such version.
    """
    with database.write() as session:
        version = session.get(VersionRow, version_id)
        if version is None:
            raise UnknownVersionError(f"no version has the id {version_id}: create it before its deployment")
        row = DeploymentRow(id=deployment_id or new_deployment_id(), version=version, role=role, weight=weight)
        row.profile_id = profile_id
        row.status = Status.STARTING
        row.created = now or datetime.now(UTC)
        session.add(row)
        session.flush()
        return to_deployment(row)


def switch_route(database: Database, deployment_id: str, *, now: datetime | None = None) -> Deployment:
    """Give a deployment its traffic, in one transaction: it goes live, the previous primary stays warm, older ones end.

    A warm deployment may be switched to as well: that is a rollback.

    Raises:
        UnknownDeploymentError: no such deployment.
        DeploymentStateError: it failed or was retired.
    """
    moment = now or datetime.now(UTC)
    with database.write() as session:
        row = _get(session, deployment_id)
        if row.status not in WITH_RUNNER:
            raise DeploymentStateError(f"deployment {deployment_id} is {row.status}: deploy its version again")
        if row.status != Status.LIVE:
            row.status = Status.LIVE
            row.live_at = moment
            _step_back(_others(session, row), keep=WARM_KEPT if row.role == Role.PRIMARY else 0, now=moment)
        session.flush()
        return to_deployment(row)


def fail_deployment(database: Database, deployment_id: str, error: str, *, now: datetime | None = None) -> Deployment:
    """Record why a deployment could not run; its runner is no longer wanted.

    Raises:
        UnknownDeploymentError: no such deployment.
    """
    return _end(database, deployment_id, Status.FAILED, error, now)


def retire_deployment(database: Database, deployment_id: str, *, now: datetime | None = None) -> Deployment:
    """Take a deployment out of traffic and stop its runner.

    Raises:
        UnknownDeploymentError: no such deployment.
    """
    return _end(database, deployment_id, Status.RETIRED, None, now)


def get_deployment(database: Database, deployment_id: str) -> Deployment:
    """Raises UnknownDeploymentError."""
    with database.read() as session:
        return to_deployment(_get(session, deployment_id))


def deployments_of(database: Database, model: str, workspace: str = DEFAULT_WORKSPACE) -> list[Deployment]:
    """All deployments of a model, newest first; none where there is no such model."""
    statement = (
        select(DeploymentRow)
        .join(DeploymentRow.version)
        .join(VersionRow.model)
        .where(ModelRow.workspace == workspace, ModelRow.name == model)
        .order_by(DeploymentRow.created.desc(), VersionRow.number.desc(), DeploymentRow.id)
        .options(WITH_MODEL)
    )
    with database.read() as session:
        return [to_deployment(row) for row in session.scalars(statement)]


def _get(session: Session, deployment_id: str) -> DeploymentRow:
    row = session.get(DeploymentRow, deployment_id, options=[WITH_MODEL])
    if row is None:
        raise UnknownDeploymentError(f"no deployment has the id {deployment_id!r}: see `tidegate models`")
    return row


def _others(session: Session, row: DeploymentRow) -> list[DeploymentRow]:
    """The same model's other deployments in this role that are live or warm, the live one first, then the latest."""
    statement = (
        select(DeploymentRow)
        .join(DeploymentRow.version)
        .where(VersionRow.model_id == row.version.model_id, DeploymentRow.role == row.role, DeploymentRow.id != row.id)
        .where(DeploymentRow.status.in_([Status.LIVE, Status.WARM]))
    )
    rows = session.scalars(statement).all()
    return sorted(rows, key=lambda other: (other.status == Status.LIVE, other.live_at or other.created), reverse=True)


def _step_back(rows: Sequence[DeploymentRow], keep: int, now: datetime) -> None:
    for kept in rows[:keep]:
        kept.status = Status.WARM
    for retired in rows[keep:]:
        retired.status = Status.RETIRED
        retired.retired_at = now


def _end(database: Database, deployment_id: str, status: Status, error: str | None, now: datetime | None) -> Deployment:
    with database.write() as session:
        row = _get(session, deployment_id)
        row.status = status
        row.retired_at = now or datetime.now(UTC)
        row.error = error
        session.flush()
        return to_deployment(row)
