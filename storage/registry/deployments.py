"""The life of deployments: starting, live, warm, retired or failed."""

import secrets
from collections.abc import MutableMapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from model_runner.names import DEFAULT_WORKSPACE
from storage.registry.damaged import read_rows, tell
from storage.registry.database import Database
from storage.registry.errors import DeploymentStateError, UnknownDeploymentError, UnknownVersionError
from storage.registry.live import WITH_MODEL, to_deployment
from storage.registry.previews import branch_slug
from storage.registry.records import WITH_RUNNER, Deployment, Role, Status
from storage.registry.tables import DeploymentRow, ModelRow, VersionRow

LONGEST_BRANCH = 255
"""Characters."""


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
    branch: str | None = None,
    expires: datetime | None = None,
    now: datetime | None = None,
) -> Deployment:
    """Ask for a runner of a version; no traffic goes to it before `switch_route` or `set_traffic`.

    Args:
        branch: of a preview, which must have one; others have none.
        expires: when a preview ends by itself.

    Raises:
        UnknownVersionError: no such version.
        DeploymentStateError: the branch's name is empty, or longer than the registry takes.
        ValueError: a preview without a branch, or a branch without a preview.
    """
    if (role is Role.PREVIEW) != (branch is not None):
        raise ValueError("a preview is of a branch, and nothing else is")
    if branch is not None and not 0 < len(branch) <= LONGEST_BRANCH:
        raise DeploymentStateError(f"the name of a preview's branch has 1 to {LONGEST_BRANCH} characters: rename it")
    with database.write() as session:
        version = session.get(VersionRow, version_id)
        if version is None:
            raise UnknownVersionError(f"no version has the id {version_id}: create it before its deployment")
        row = DeploymentRow(id=deployment_id or new_deployment_id(), version=version, role=role, weight=weight)
        row.profile_id = profile_id
        row.status = Status.STARTING
        row.created = now or datetime.now(UTC)
        row.branch, row.expires = branch, expires
        row.slug = None if branch is None else branch_slug(branch)
        session.add(row)
        session.flush()
        return to_deployment(row)


def fail_deployment(database: Database, deployment_id: str, error: str, *, now: datetime | None = None) -> Deployment:
    """Record why a deployment could not run; its runner is no longer wanted. One that has ended already stays as it is.

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


def cancel_deployment(database: Database, deployment_id: str, *, now: datetime | None = None) -> Deployment:
    """Call off a deployment that is starting.

    Raises:
        UnknownDeploymentError: no such deployment.
        DeploymentStateError: it is not starting (any more).
    """
    with database.write() as session:
        row = find_row(session, deployment_id)
        if row.status != Status.STARTING:
            hint = "`tidegate rollback` or `tidegate traffic` moves its traffic" if row.status == Status.LIVE else ""
            raise DeploymentStateError(
                f"deployment {deployment_id} is {row.status}, and only one that is starting can be cancelled"
                + (f": {hint}" if hint else "")
            )
        end_row(row, Status.CANCELLED, now or datetime.now(UTC))
        session.flush()
        return to_deployment(row)


def get_deployment(database: Database, deployment_id: str) -> Deployment:
    """Raises UnknownDeploymentError."""
    with database.read() as session:
        return to_deployment(find_row(session, deployment_id))


def deployments_of(
    database: Database,
    model: str,
    workspace: str = DEFAULT_WORKSPACE,
    unreadable: MutableMapping[str, str] | None = None,
) -> list[Deployment]:
    """All deployments of a model, newest first; none where there is no such model.

    Args:
        unreadable: takes those whose rows cannot be read, by id, with the reason. Where nobody asks for them the first
            one is raised: who decides who gets the traffic must know all.

    Raises:
        DamagedRowError: only without `unreadable`.
    """
    statement = (
        select(DeploymentRow)
        .join(DeploymentRow.version)
        .join(VersionRow.model)
        .where(ModelRow.workspace == workspace, ModelRow.name == model)
        .order_by(DeploymentRow.created.desc(), VersionRow.number.desc(), DeploymentRow.id)
        .options(WITH_MODEL)
    )
    damaged: dict[str, str] | None = None if unreadable is None else {}
    with database.read() as session:
        found = read_rows(session.scalars(statement), to_deployment, damaged)
    tell(damaged or {}, unreadable, "a deployment")
    return found


def find_row(session: Session, deployment_id: str) -> DeploymentRow:
    """Raises UnknownDeploymentError."""
    row = session.get(DeploymentRow, deployment_id, options=[WITH_MODEL])
    if row is None:
        raise UnknownDeploymentError(f"no deployment has the id {deployment_id!r}: see `tidegate deployments MODEL`")
    return row


def end_row(row: DeploymentRow, status: Status, now: datetime) -> None:
    """Its runner is not wanted any more."""
    row.status = status
    row.retired_at = now


def _end(database: Database, deployment_id: str, status: Status, error: str | None, now: datetime | None) -> Deployment:
    with database.write() as session:
        row = find_row(session, deployment_id)
        if row.status in WITH_RUNNER:
            end_row(row, status, now or datetime.now(UTC))
            row.error = error
        session.flush()
        return to_deployment(row)
