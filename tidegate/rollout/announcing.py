"""Keeps topic `deployments` to what lives: endings that nobody told are told, and what ended long ago is removed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from storage import registry
from storage.registry import Database, Deployment
from stream.contracts.deployments import DeploymentRecord
from stream.contracts.topics import TopicLayout
from tidegate.rollout.publishing import change_of, publish_changes, publish_removals

log = structlog.get_logger()

FIRST_S, EVERY_S = 60.0, 1800.0
AGAIN = timedelta(seconds=2 * EVERY_S)
"""Each ending is told in two passes at least, whatever became of the message that was sent at once."""
AT_START = timedelta(days=30)


@dataclass(frozen=True)
class Announcer:
    """Beside the deployer's jobs."""

    database: Database
    bootstrap: str
    layout: TopicLayout

    def catch_up(self, now: datetime, since: timedelta) -> int:
        """Tell what ended within `since`; remove what ended before the topics' retention, and within `since` of that.

        Until then records of its lifetime may be read, and have to be counted against its profile.

        Raises:
            PublishError: the broker does not take it.
        """
        kept = now - timedelta(hours=self.layout.retention_hours)
        ended = registry.ended_deployments(self.database, max(now - since, kept), now)
        told = publish_changes(self.bootstrap, self.layout, [self._change(found, now) for found in ended])
        old = registry.ended_deployments(self.database, kept - since, kept)
        return told + publish_removals(self.bootstrap, self.layout, [found.id for found in old])

    async def run(self) -> None:
        """For ever."""
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await asyncio.to_thread(self.catch_up, datetime.now(UTC), AGAIN)
            except Exception as error:  # a broker or a database that is away is no reason to end
                log.warning("announcing.failed", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(EVERY_S)

    def _change(self, found: Deployment, now: datetime) -> DeploymentRecord:
        models = registry.deployments_of(self.database, found.model, found.workspace, {})
        return change_of(self.database, found, models, now)
