"""Deployments as others act on them: runners that should be up, routes that get traffic."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from storage.registry.database import Database
from storage.registry.records import WITH_RUNNER, Deployment, DesiredRunner, LiveRoute, Role, Status
from storage.registry.tables import DeploymentRow, VersionRow

WITH_MODEL = joinedload(DeploymentRow.version).joinedload(VersionRow.model)
"""Loads what `to_deployment` reads."""


def desired_runners(database: Database) -> list[DesiredRunner]:
    """The deployments whose runners should be up, the oldest first; those that are asleep are among them."""
    with database.read() as session:
        return [_to_runner(row) for row in _in_status(session, WITH_RUNNER)]


def live_routes(database: Database) -> list[LiveRoute]:
    """The deployments that get traffic, oldest first."""
    with database.read() as session:
        rows = _in_status(session, [Status.LIVE])
        return [LiveRoute(to_deployment(row), row.version.input_schema, row.version.manifest) for row in rows]


def live_primaries(session: Session, model_ids: Sequence[int]) -> dict[int, Deployment]:
    """The live primary of each of these models that has one."""
    statement = (
        select(DeploymentRow)
        .join(DeploymentRow.version)
        .where(
            VersionRow.model_id.in_(model_ids), DeploymentRow.status == Status.LIVE, DeploymentRow.role == Role.PRIMARY
        )
        .options(WITH_MODEL)
    )
    return {row.version.model_id: to_deployment(row) for row in session.scalars(statement)}


def to_deployment(row: DeploymentRow) -> Deployment:
    return Deployment(
        id=row.id,
        workspace=row.version.model.workspace,
        model=row.version.model.name,
        version=row.version.number,
        version_id=row.version_id,
        profile_id=row.profile_id,
        role=Role(row.role),
        status=Status(row.status),
        weight=row.weight,
        created=row.created,
        live_at=row.live_at,
        retired_at=row.retired_at,
        error=row.error,
        served_at=row.served_at,
        branch=row.branch,
        slug=row.slug,
        expires=row.expires,
        replicas=_replicas(row),
        idle_seconds=row.version.manifest.get("idle_seconds"),
        asleep=row.asleep,
        last_request_at=row.last_request_at,
        addresses=None if row.addresses is None else tuple(row.addresses),
    )


def _in_status(session: Session, statuses: Sequence[Status]) -> Sequence[DeploymentRow]:
    statement = select(DeploymentRow).where(DeploymentRow.status.in_(statuses)).options(WITH_MODEL)
    return session.scalars(statement.order_by(DeploymentRow.created, DeploymentRow.id)).all()


def _to_runner(row: DeploymentRow) -> DesiredRunner:
    version = row.version
    return DesiredRunner(
        deployment_id=row.id,
        workspace=version.model.workspace,
        model=version.model.name,
        version=version.number,
        artifact_url=version.artifact_url,
        sha256=version.sha256,
        format=version.format,
        input_schema=version.input_schema,
        manifest=version.manifest,
        role=Role(row.role),
        status=Status(row.status),
        replicas=_replicas(row),
        idle_seconds=version.manifest.get("idle_seconds"),
        asleep=row.asleep,
        last_request_at=row.last_request_at,
    )


def _replicas(row: DeploymentRow) -> int:
    return row.replicas or int(row.version.manifest.get("replicas", 1))
