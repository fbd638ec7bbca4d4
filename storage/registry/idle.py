"""Deployments that sleep while nobody asks them: gateways tell of requests, the supervisor puts to sleep."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import select, update

from storage.registry.database import Database
from storage.registry.records import Status
from storage.registry.tables import DeploymentRow

MAY_SLEEP = (Status.LIVE, Status.WARM)


def note_requests(database: Database, deployment_ids: Collection[str], *, now: datetime | None = None) -> list[str]:
    """Remember that these were asked just now, and wake those that are asleep; which these were.

    While all are awake no poller hears of it.
    """
    these = DeploymentRow.id.in_(deployment_ids)
    with database.note() as session:
        session.execute(update(DeploymentRow).where(these).values(last_request_at=now or datetime.now(UTC)))
        asleep = list(session.scalars(select(DeploymentRow.id).where(these, DeploymentRow.asleep)))
    if asleep:
        with database.write() as session:
            session.execute(update(DeploymentRow).where(DeploymentRow.id.in_(asleep)).values(asleep=False))
    return asleep


def last_requests(database: Database, deployment_ids: Collection[str]) -> dict[str, datetime | None]:
    """When these were asked last, by the gateways' clocks."""
    statement = select(DeploymentRow.id, DeploymentRow.last_request_at).where(DeploymentRow.id.in_(deployment_ids))
    with database.read() as session:
        return {row.id: row.last_request_at for row in session.execute(statement)}


def put_to_sleep(database: Database, deployment_id: str, last_request_at: datetime | None) -> bool:
    """Let its runners be stopped, unless it was asked after `last_request_at`; whether it sleeps now."""
    statement = (
        update(DeploymentRow)
        .where(
            DeploymentRow.id == deployment_id,
            DeploymentRow.status.in_(MAY_SLEEP),
            # One statement: a gateway that tells of a request meanwhile comes before it, or wakes it again after it.
            DeploymentRow.last_request_at.is_not_distinct_from(last_request_at),
        )
        .values(asleep=True)
        .returning(DeploymentRow.id)
    )
    with database.write() as session:
        return session.scalar(statement) is not None
