"""What ends: deployments that are called off, previews of branches that are gone or too old, starts without an end."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from storage import registry
from storage.registry import Database, Deployment, Role
from tidegate.deadlines import JOB_S
from tidegate.rollout.config import RolloutConfig
from tidegate.rollout.engine import tell


def cancel(config: RolloutConfig, database: Database, deployment_id: str) -> Deployment:
    """Call off a deployment that is starting.

    Raises:
        UnknownDeploymentError, DeploymentStateError: there is none, or it is not starting.
    """
    found = registry.get_deployment(database, deployment_id)
    before = registry.deployments_of(database, found.model, found.workspace, {})
    cancelled = registry.cancel_deployment(database, deployment_id)
    tell(config, database, found.workspace, found.model, before)
    return cancelled


def remove_previews(
    config: RolloutConfig, database: Database, workspace: str, model: str, branch: str
) -> list[Deployment]:
    """End the previews of a branch: what is to be done when the branch is gone. Those that were ended."""
    found = registry.deployments_of(database, model, workspace, {})
    mine = [one for one in found if one.branch == branch and one.status in registry.WITH_RUNNER]
    return _end(config, database, mine)


def sweep(config: RolloutConfig, database: Database, now: datetime) -> list[Deployment]:
    """End the previews whose time is over, and starts that nobody waits for any more: who did was killed."""
    ended = _end(config, database, registry.expired_previews(database, now))
    for found in registry.abandoned(database, config.deadlines.abandoned_after, now, held=timedelta(seconds=JOB_S)):
        reason = "nobody waited for its runner any more: redeploy the version"
        before = registry.deployments_of(database, found.model, found.workspace, {})
        ended.append(registry.fail_deployment(database, found.id, reason, now=now))
        tell(config, database, found.workspace, found.model, before)
    return ended


def _end(config: RolloutConfig, database: Database, previews: Iterable[Deployment]) -> list[Deployment]:
    ended = []
    for found in previews:
        assert found.role is Role.PREVIEW  # noqa: S101 - nothing else has a branch or a time
        before = registry.deployments_of(database, found.model, found.workspace, {})
        ended.append(registry.retire_deployment(database, found.id))
        tell(config, database, found.workspace, found.model, before)
    return ended
