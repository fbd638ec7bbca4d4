"""Who answers for a model: shares of its traffic over deployments, changed in one transaction."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.registry.database import Database
from storage.registry.deployments import end_row, find_row
from storage.registry.errors import DeploymentStateError, RouteChangedError
from storage.registry.live import WITH_MODEL, to_deployment
from storage.registry.records import PRODUCTION, WITH_RUNNER, Deployment, Role, Status
from storage.registry.tables import DeploymentRow, VersionRow

WARM_KEPT = 1
"""Deployments that lost their share and whose runner stays up for a rollback."""


def set_traffic(
    database: Database,
    weights: Mapping[str, float],
    *,
    keep_warm: int = WARM_KEPT,
    expected: Iterable[str] | None = None,
    now: datetime | None = None,
) -> list[Deployment]:
    """Give these deployments of one model all of its traffic, in one transaction.

    The largest share makes the primary (of two equal ones that which is it already, else the newer version), the others
    are canaries. Who had a share and has none now stays warm; of the warm ones the last `keep_warm` are kept. A
    deployment whose version got another deployment here is retired at once.

    Args:
        weights: by deployment; only their proportions matter, 0 takes the share away.
        expected: the deployments that had a share when the caller looked; None does not ask.

    Returns:
        Those that have a share now, the primary first.

    Raises:
        UnknownDeploymentError: no such deployment.
        DeploymentStateError: one has ended, is a preview, or they are of several models.
        RouteChangedError: others than `expected` have a share by now.
        ValueError: a weight is negative or no number, or none is above 0.
    """
    shares = shares_of(weights)
    moment = now or datetime.now(UTC)
    with database.write() as session:
        rows = [_usable(session, deployment_id) for deployment_id in shares]
        model_id = _one_model(rows)
        before = _with_share(session, model_id)
        if expected is not None and {row.id for row in before} != set(expected):
            raise RouteChangedError("the model's traffic was changed in the meantime: look at it, and ask again")
        rows.sort(key=lambda row: (shares[row.id], _is_primary(row), row.version.number), reverse=True)
        versions = {row.version_id for row in rows}
        for row in before:
            if row.id not in shares:
                _step_back(row, moment, kept=row.version_id not in versions)
        for place, row in enumerate(rows):
            _go_live(row, Role.CANARY if place else Role.PRIMARY, shares[row.id], moment)
        _retire_old_warm(session, model_id, keep_warm, moment)
        session.flush()
        return [to_deployment(row) for row in rows]


def switch_route(
    database: Database, deployment_id: str, *, keep_warm: int = WARM_KEPT, now: datetime | None = None
) -> Deployment:
    """Let a deployment take up the role that it was made for, in one transaction.

    A primary gets all the traffic; a warm one may be switched to as well: that is a rollback. A canary gets its weight
    beside the primary's. A shadow or preview takes the place of the one of the same version or branch.

    Raises:
        UnknownDeploymentError: no such deployment.
        DeploymentStateError: it failed, was cancelled or retired.
    """
    with database.read() as session:
        role = find_row(session, deployment_id).role
    if role == Role.PRIMARY:
        return set_traffic(database, {deployment_id: 1.0}, keep_warm=keep_warm, now=now)[0]
    moment = now or datetime.now(UTC)
    with database.write() as session:
        row = _usable(session, deployment_id, previews=True)
        for other in _replaced(session, row):
            end_row(other, Status.RETIRED, moment)
        _go_live(row, Role(row.role), row.weight, moment)
        session.flush()
        return to_deployment(row)


def make_shadow(database: Database, deployment_id: str, *, now: datetime | None = None) -> Deployment:
    """Send a deployment copies of the model's requests.

    Raises:
        UnknownDeploymentError: no such deployment.
        DeploymentStateError: it has ended, is a preview, or has a share of the traffic.
    """
    with database.write() as session:
        row = _usable(session, deployment_id)
        if row.status == Status.LIVE and row.role in PRODUCTION:
            raise DeploymentStateError(f"version {row.version.number} has a share of the traffic: take it away first")
        _go_live(row, Role.SHADOW, 1.0, now or datetime.now(UTC))
        session.flush()
        return to_deployment(row)


def end_shadow(
    database: Database, deployment_id: str, *, keep_warm: int = WARM_KEPT, now: datetime | None = None
) -> Deployment:
    """Send it no more copies. It stays warm where it had traffic before, else it is retired.

    Raises:
        UnknownDeploymentError: no such deployment.
        DeploymentStateError: it is no shadow.
    """
    moment = now or datetime.now(UTC)
    with database.write() as session:
        row = find_row(session, deployment_id)
        if row.status != Status.LIVE or row.role != Role.SHADOW:
            raise DeploymentStateError(f"deployment {deployment_id} is no shadow: it is {row.status} as {row.role}")
        if row.served_at is None:
            end_row(row, Status.RETIRED, moment)
        else:
            row.status, row.role, row.weight = Status.WARM, Role.PRIMARY, 0.0
            _retire_old_warm(session, row.version.model_id, keep_warm, moment)
        session.flush()
        return to_deployment(row)


def shares_of(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights as shares that add up to 1; those of 0 are left out.

    Raises:
        ValueError: one is negative or no number, or none is above 0.
    """
    wrong = [weight for weight in weights.values() if not math.isfinite(weight) or weight < 0]
    if wrong:
        raise ValueError(f"a weight must be a number from 0 on, not {wrong[0]:g}")
    total = sum(weights.values())
    if not total > 0 or not math.isfinite(total):
        raise ValueError("somebody must have the traffic: give at least one weight above 0")
    return {key: weight / total for key, weight in weights.items() if weight > 0}


def _usable(session: Session, deployment_id: str, *, previews: bool = False) -> DeploymentRow:
    row = find_row(session, deployment_id)
    if row.status not in WITH_RUNNER:
        raise DeploymentStateError(f"deployment {deployment_id} is {row.status}: deploy its version again")
    if row.role == Role.PREVIEW and not previews:
        raise DeploymentStateError(f"deployment {deployment_id} is a preview: deploy its version for production")
    return row


def _one_model(rows: list[DeploymentRow]) -> int:
    models = {row.version.model_id for row in rows}
    if len(models) != 1:
        raise DeploymentStateError("these deployments are of several models")
    return models.pop()


def _is_primary(row: DeploymentRow) -> bool:
    return row.status == Status.LIVE and row.role == Role.PRIMARY


def _of_model(session: Session, model_id: int, status: Status) -> list[DeploymentRow]:
    statement = select(DeploymentRow).join(DeploymentRow.version).options(WITH_MODEL)
    return list(session.scalars(statement.where(VersionRow.model_id == model_id, DeploymentRow.status == status)))


def _with_share(session: Session, model_id: int) -> list[DeploymentRow]:
    return [row for row in _of_model(session, model_id, Status.LIVE) if row.role in PRODUCTION]


def _replaced(session: Session, row: DeploymentRow) -> list[DeploymentRow]:
    """What the deployment takes the place of: the canary before, the same branch's preview, the version's shadow."""
    others = [other for other in _of_model(session, row.version.model_id, Status.LIVE) if other.id != row.id]
    same = [other for other in others if other.role == row.role]
    if row.role == Role.PREVIEW:
        return [other for other in same if other.slug == row.slug]
    if row.role == Role.SHADOW:
        return [other for other in same if other.version_id == row.version_id]
    return same


def _go_live(row: DeploymentRow, role: Role, weight: float, now: datetime) -> None:
    had_share = row.status == Status.LIVE and row.role in PRODUCTION
    if row.status != Status.LIVE or (row.role != role and not (had_share and role in PRODUCTION)):
        row.live_at = now
    row.status, row.role, row.weight, row.asleep = Status.LIVE, role, weight, False
    if role in PRODUCTION:
        row.served_at = now


def _step_back(row: DeploymentRow, now: datetime, *, kept: bool) -> None:
    row.served_at = now
    row.weight = 0.0
    if kept:
        row.status = Status.WARM
    else:
        end_row(row, Status.RETIRED, now)


def _retire_old_warm(session: Session, model_id: int, keep: int, now: datetime) -> None:
    session.flush()
    warm = _of_model(session, model_id, Status.WARM)
    warm.sort(key=lambda row: (row.served_at or row.created, row.live_at or row.created, row.id), reverse=True)
    for row in warm[keep:]:
        end_row(row, Status.RETIRED, now)
