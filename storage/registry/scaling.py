"""How many runners a deployment has."""

from collections.abc import Collection

from sqlalchemy import null, select, update

from storage.registry.database import Database
from storage.registry.records import WITH_RUNNER
from storage.registry.tables import DeploymentRow


def set_replicas(database: Database, deployment_ids: Collection[str], replicas: int) -> None:
    """Let those of them that have not ended have so many, whatever their versions ask for."""
    these = DeploymentRow.id.in_(deployment_ids), DeploymentRow.status.in_(WITH_RUNNER)
    with database.write() as session:
        session.execute(update(DeploymentRow).where(*these).values(replicas=replicas))


def forget_addresses(database: Database) -> None:
    """All runners are this machine's again, whatever ran them before."""
    known = DeploymentRow.addresses.is_not(null())
    with database.read() as session:
        if session.scalar(select(DeploymentRow.id).where(known).limit(1)) is None:
            return
    with database.write() as session:
        session.execute(update(DeploymentRow).where(known).values(addresses=None))


def set_addresses(database: Database, deployment_id: str, addresses: Collection[str]) -> None:
    """Remember where its runners answer: those that are ready, wherever they run."""
    with database.write() as session:
        session.execute(
            update(DeploymentRow).where(DeploymentRow.id == deployment_id).values(addresses=list(addresses))
        )
