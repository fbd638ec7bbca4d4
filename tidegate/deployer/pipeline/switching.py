"""The rollout of what was pushed or deployed: its runner is started, then it gets the traffic."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from storage import registry
from storage.registry import Database, Deployment, Role, Status, Version
from tidegate.deployer.pipeline.config import DeployConfig
from tidegate.rollout import engine
from tidegate.rollout.change import Change
from tidegate.rollout.making import make


def start(
    version: Version,
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
    deployment = make(
        config.rollout,
        database,
        version,
        Role.PRIMARY if branch is None else Role.PREVIEW,
        branch=branch,
        expires=None if branch is None else datetime.now(UTC) + config.preview_lifetime,
        deployment_id=deployment_id,
    )
    change = replace(_change(deployment, config), new=(deployment,), waits_for=(deployment,))
    engine.prepare(change, config.rollout, database)
    return deployment


def switch(deployment: Deployment, config: DeployConfig, database: Database) -> tuple[int | None, tuple[str, ...]]:
    """Give it the traffic (a preview: its URL); the number of the version that had it, and what went wrong beside.

    Raises:
        RegistryError: it has ended.
    """
    done = engine.finish(_change(deployment, config), config.rollout, database)
    same = (
        found.version
        for found in done.before
        if found.status is Status.LIVE and (found.role, found.slug) == (deployment.role, deployment.slug)
    )
    return next(same, None), done.warnings


def describe_switch(deployment: Deployment, previous: int | None, warm_runners: int) -> str:
    """What is said of it beside the stage."""
    if deployment.branch is not None:
        return f"version {deployment.version} is the preview of {deployment.branch}"
    kept = f", {previous} stays warm" if previous and warm_runners else ""
    return f"version {deployment.version} is live{kept}"


def _change(deployment: Deployment, config: DeployConfig) -> Change:
    """It stays where a switch fails: who pushed it tries again."""
    return Change(
        deployment.workspace,
        deployment.model,
        f"{deployment.model} version {deployment.version} gets the traffic",
        partial(registry.switch_route, deployment_id=deployment.id, keep_warm=config.rollout.warm_runners),
        takes_traffic=(deployment.id,),
    )
