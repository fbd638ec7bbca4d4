"""Starts the runner of a version, and gives it the traffic."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from model_runner.plain_text import quoted_text
from storage import registry
from storage.registry import Database, Deployment, Role, Status, Version
from stream.profile import Profile
from tidegate.deployer.config import DeployConfig
from tidegate.deployer.publishing import PublishError, change_of, changes, publish, publish_changes, record_of
from tidegate.deployer.routing import await_route
from tidegate.deployer.waiting import await_runner

TELL_S = 3.0
"""A broker that is away must not hold up who is told of a failure."""
ROUTE_S = 10.0
"""A gateway asks for changes ten times a second; one that does not answer in this time is in trouble of its own."""


def start(
    version: Version,
    profile: Profile | None,
    config: DeployConfig,
    database: Database,
    *,
    branch: str | None = None,
    deployment_id: str | None = None,
) -> Deployment:
    """Make a deployment, announce it, and wait for its runner.

    Raises:
        CapacityError: there is no room for its runners any more.
        PublishError, RunnerNotReadyError: then the deployment is marked as failed.
    """
    config.capacity.admit_versions([version], database)
    deployment = registry.create_deployment(
        database,
        version.id,
        role=Role.PRIMARY if branch is None else Role.PREVIEW,
        profile_id=None if profile is None else profile.id,
        branch=branch,
        expires=None if branch is None else datetime.now(UTC) + config.preview_lifetime,
        deployment_id=deployment_id,
    )
    try:
        publish(config.bootstrap, config.layout, [record_of(database, deployment, "live", datetime.now(UTC))])
        asyncio.run(
            await_runner(
                config.places,
                config.deadlines.start_s(version.manifest),
                lambda: registry.get_deployment(database, deployment.id),
            )
        )
    except BaseException as error:
        reason = quoted_text(str(error) or type(error).__name__)
        failed = registry.fail_deployment(database, deployment.id, reason)
        with suppress(PublishError):  # tidegate/deployer/announcing.py tells it again
            told = change_of(database, failed, [], datetime.now(UTC))
            publish_changes(config.bootstrap, config.layout, [told], flush_s=TELL_S)
        raise
    return deployment


def switch(deployment: Deployment, config: DeployConfig, database: Database) -> tuple[int | None, list[str]]:
    """Give it the traffic (a preview: its URL); the number of the version that had it, and what went wrong beside."""
    # Rows that cannot be read are no reason against another deployment, which is what mends the model.
    before = registry.deployments_of(database, deployment.model, deployment.workspace, {})
    registry.switch_route(database, deployment.id, keep_warm=config.warm_runners)
    after = registry.deployments_of(database, deployment.model, deployment.workspace, {})
    told = changes(database, before, after, datetime.now(UTC))
    untold = []
    try:
        publish_changes(config.bootstrap, config.layout, told)
    except PublishError as error:
        # It is live: that is not to be taken back because nobody could be told.
        untold.append(str(error))
    trouble = await_route(config.gateway_url, deployment.id, ROUTE_S)
    if trouble is not None:
        untold.append(f"the gateway does not send it traffic yet ({trouble}): see `tidegate logs gateway`")
    same = (
        d.version for d in before if d.status is Status.LIVE and (d.role, d.slug) == (deployment.role, deployment.slug)
    )
    return next(same, None), untold


def describe_switch(deployment: Deployment, previous: int | None, warm_runners: int) -> str:
    """What is said of it beside the stage."""
    if deployment.branch is not None:
        return f"version {deployment.version} is the preview of {deployment.branch}"
    kept = f", {previous} stays warm" if previous and warm_runners else ""
    return f"version {deployment.version} is live{kept}"
