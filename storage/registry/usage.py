"""Who still needs the files of a version: what decides whether they may go."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from storage.registry.database import Database
from storage.registry.history import before_the_live_one
from storage.registry.live import WITH_MODEL, to_deployment
from storage.registry.records import WITH_RUNNER, Deployment
from storage.registry.tables import DeploymentRow, VersionRow


@dataclass(frozen=True)
class VersionUse:
    workspace: str
    model: str
    number: int
    sha256: str
    has_runner: bool
    """A deployment of it is starting, live or warm."""
    is_next: bool
    """A rollback without a version goes to it."""
    rank: int
    """Among the versions of its model: 0 for the newest."""
    last_used: datetime
    """When it was made, or a deployment of it began, got traffic, or ended."""


def version_uses(database: Database) -> list[VersionUse]:
    """Of every version of every model."""
    with database.read() as session:
        versions = session.scalars(
            select(VersionRow).options(joinedload(VersionRow.model)).order_by(VersionRow.number.desc())
        ).all()
        rows = session.scalars(select(DeploymentRow).options(WITH_MODEL))
        deployments: dict[int, list[Deployment]] = defaultdict(list)
        for row in rows:
            deployments[row.version.model_id].append(to_deployment(row))
        next_ones = {key: before_the_live_one(found) for key, found in deployments.items()}
        ranks: dict[int, int] = defaultdict(int)
        found = []
        for version in versions:
            mine = [one for one in deployments[version.model_id] if one.version_id == version.id]
            going_back = next_ones.get(version.model_id)
            found.append(
                VersionUse(
                    workspace=version.model.workspace,
                    model=version.model.name,
                    number=version.number,
                    sha256=version.sha256,
                    has_runner=any(one.status in WITH_RUNNER for one in mine),
                    is_next=going_back is not None and going_back.version_id == version.id,
                    rank=ranks[version.model_id],
                    last_used=max([version.created, *(moment for one in mine for moment in _moments(one))]),
                )
            )
            ranks[version.model_id] += 1
    return found


def _moments(found: Deployment) -> list[datetime]:
    return [moment for moment in (found.created, found.live_at, found.served_at, found.retired_at) if moment]
