"""Deployments as others act on them: runners that should be up, routes that get traffic."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from storage.registry.damaged import check, read_rows, require
from storage.registry.database import Database
from storage.registry.records import WITH_RUNNER, Deployment, DesiredRunner, LiveRoute, Role, Status
from storage.registry.tables import DeploymentRow, VersionRow

WITH_MODEL = joinedload(DeploymentRow.version).joinedload(VersionRow.model)
"""Loads what `to_deployment` reads."""


def desired_runners(database: Database, damaged: MutableMapping[str, str] | None = None) -> list[DesiredRunner]:
    """The deployments whose runners should be up, the oldest first; those that are asleep are among them.

    `damaged` takes those whose rows cannot be read, with the reason; without it they raise DamagedRowError.
    """
    with database.read() as session:
        return read_rows(_in_status(session, WITH_RUNNER), _to_runner, damaged)


def live_routes(database: Database, damaged: MutableMapping[str, str] | None = None) -> list[LiveRoute]:
    """The deployments that get traffic, oldest first. `damaged`: as for `desired_runners`."""
    with database.read() as session:
        return read_rows(_in_status(session, [Status.LIVE]), _to_route, damaged)


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
    """Raises DamagedRowError where it, its version or its model cannot be read."""
    check(row, row.version, row.version.model)
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
        idle_seconds=_idle_seconds(row),
        asleep=row.asleep,
        last_request_at=row.last_request_at,
        addresses=None if row.addresses is None else tuple(require(row.addresses, list, "addresses")),
    )


def _in_status(session: Session, statuses: Sequence[Status]) -> Sequence[DeploymentRow]:
    statement = select(DeploymentRow).where(DeploymentRow.status.in_(statuses)).options(WITH_MODEL)
    return session.scalars(statement.order_by(DeploymentRow.created, DeploymentRow.id)).all()


def _to_runner(row: DeploymentRow) -> DesiredRunner:
    version = row.version
    check(row, version, version.model)
    return DesiredRunner(
        deployment_id=row.id,
        workspace=version.model.workspace,
        model=version.model.name,
        version=version.number,
        artifact_url=version.artifact_url,
        sha256=version.sha256,
        format=version.format,
        input_schema=_schema(version),
        manifest=require(version.manifest, dict, "the manifest"),
        role=Role(row.role),
        status=Status(row.status),
        replicas=_replicas(row),
        idle_seconds=_idle_seconds(row),
        asleep=row.asleep,
        last_request_at=row.last_request_at,
    )


def _to_route(row: DeploymentRow) -> LiveRoute:
    return LiveRoute(to_deployment(row), _schema(row.version), require(row.version.manifest, dict, "the manifest"))


def _schema(version: VersionRow) -> dict[str, Any] | None:
    found: dict[str, Any] | None = version.input_schema
    return None if found is None else require(found, dict, "the input schema")


def _idle_seconds(row: DeploymentRow) -> float | None:
    found = row.version.manifest.get("idle_seconds")
    return None if found is None else float(require(found, (int, float), "idle_seconds"))


def _replicas(row: DeploymentRow) -> int:
    return int(require(row.replicas or row.version.manifest.get("replicas", 1), int, "replicas"))
