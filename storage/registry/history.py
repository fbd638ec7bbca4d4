"""What a model's deployments say about its past: what was live before, what has outlived its time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from storage.registry.damaged import read_rows
from storage.registry.database import Database
from storage.registry.job_records import UNFINISHED
from storage.registry.job_tables import JobRow
from storage.registry.live import WITH_MODEL, to_deployment
from storage.registry.records import PRODUCTION, WITH_RUNNER, Deployment, Role, Status
from storage.registry.tables import DeploymentRow


def with_share(deployments: Iterable[Deployment]) -> list[Deployment]:
    """Those that callers get answers from, the largest share first."""
    live = [found for found in deployments if found.status is Status.LIVE and found.role in PRODUCTION]
    return sorted(live, key=lambda found: (found.role is Role.PRIMARY, found.weight), reverse=True)


def before_the_live_one(deployments: Iterable[Deployment]) -> Deployment | None:
    """What a rollback without a version goes back to; None where there was nothing before.

    While several versions share the traffic, the one that has been live longest. Else the version that had a share
    last; its runner may be down.
    """
    known = list(deployments)
    live = with_share(known)
    if len(live) > 1:
        return min(live, key=lambda found: found.live_at or found.created)
    versions = {found.version for found in live}
    past = [found for found in known if found.served_at is not None and found.version not in versions]
    # Two that stepped back together: the one that came later; and a warm one rather than one that ended.
    return max(past, key=_left, default=None)


def newest_served(deployments: Iterable[Deployment]) -> int | None:
    """The newest version that ever had a share of the traffic."""
    return max((found.version for found in deployments if found.served_at is not None), default=None)


def expired_previews(database: Database, now: datetime) -> list[Deployment]:
    """Previews whose time is over and that have not ended."""
    statement = select(DeploymentRow).where(
        DeploymentRow.role == Role.PREVIEW, DeploymentRow.status.in_(WITH_RUNNER), DeploymentRow.expires <= now
    )
    with database.read() as session:
        return _readable(session.scalars(statement.options(WITH_MODEL)))


def abandoned(
    database: Database, after: Callable[[Mapping[str, Any]], timedelta], now: datetime, *, held: timedelta
) -> list[Deployment]:
    """Deployments that have been starting for so long that nobody waits for them any more.

    Args:
        after: how old such a start is, given its version's manifest.
        held: how old it is where a job that is not over has it: that may wait for git, or for its turn.
    """
    starting = select(DeploymentRow).where(DeploymentRow.status == Status.STARTING).options(WITH_MODEL)
    of_jobs = select(JobRow.deployment_id).where(JobRow.state.in_(UNFINISHED), JobRow.deployment_id.is_not(None))
    with database.read() as session:
        jobs = set(session.scalars(of_jobs))
        found = _readable(session.scalars(starting), lambda row: (to_deployment(row), after(row.version.manifest)))
    return [one for one, seconds in found if now - one.created >= (held if one.id in jobs else seconds)]


def ended_deployments(database: Database, after: datetime, until: datetime) -> list[Deployment]:
    """Deployments that ended (retired, failed or cancelled) in a stretch of time, the first first."""
    statement = select(DeploymentRow).where(
        DeploymentRow.status.not_in(WITH_RUNNER), DeploymentRow.retired_at > after, DeploymentRow.retired_at <= until
    )
    with database.read() as session:
        found = session.scalars(statement.order_by(DeploymentRow.retired_at).options(WITH_MODEL))
        return _readable(found)


def _readable(rows: Iterable[DeploymentRow], convert: Callable[[DeploymentRow], Any] = to_deployment) -> list[Any]:
    """One that cannot be read keeps no other from being ended or announced; those who run and route it tell of it."""
    return read_rows(rows, convert, {})


def _left(found: Deployment) -> tuple[datetime, bool, datetime]:
    return found.served_at or found.created, found.status is Status.WARM, found.live_at or found.created
