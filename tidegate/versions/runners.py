"""Runners for versions: those that are there, new ones where there are none, and waiting for them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from storage import registry
from storage.artifact_removal import is_stored
from storage.registry import PRODUCTION, Database, Deployment, DeploymentStateError, Role, Status, Version
from tidegate.deployer.publishing import publish, record_of
from tidegate.deployer.waiting import await_runner
from tidegate.supervisor.probes import not_ready
from tidegate.versions.config import VersionsConfig


def usable(deployments: Sequence[Deployment], version: int, *, shadows: bool = True) -> Deployment | None:
    """The deployment of a version that can take traffic without a start: one with a share, a warm one, a shadow."""
    ranks: tuple[Callable[[Deployment], bool], ...] = (
        lambda found: found.status is Status.LIVE and found.role in PRODUCTION,
        lambda found: found.status is Status.WARM,
        lambda found: shadows and found.status is Status.LIVE and found.role is Role.SHADOW,
    )
    mine = [found for found in deployments if found.version == version]
    return next((found for fits in ranks for found in mine if fits(found)), None)


def require_files(version: Version) -> None:
    """That a runner of it could be started: looked at before anything is made.

    Raises:
        DeploymentStateError: its files were removed.
    """
    if not is_stored(version.artifact_url):
        raise DeploymentStateError(
            f"the files of version {version.number} of {version.model!r} were removed, since nobody had used it for "
            "long (TIDEGATE_KEEP_VERSIONS, TIDEGATE_KEEP_UNUSED_DAYS): push its commit again, or deploy its folder, "
            "which makes a new version"
        )


def ask_for(
    config: VersionsConfig,
    database: Database,
    version: Version,
    role: Role = Role.PRIMARY,
    *,
    like: Deployment | None = None,
    now: datetime | None = None,
) -> Deployment:
    """Make a deployment of a version; the supervisor starts its runner.

    Args:
        like: whose place it will take: it gets its branch, and its time.

    Raises:
        CapacityError: there is no room for its runners beside the others.
    """
    config.capacity.admit_versions([version], database)
    profile = registry.get_profile(database, version.id)
    return registry.create_deployment(
        database,
        version.id,
        role=role,
        profile_id=None if profile is None else profile.id,
        branch=None if like is None else like.branch,
        expires=None if like is None else like.expires,
        now=now,
    )


def without_runner(config: VersionsConfig, deployments: Sequence[Deployment]) -> list[Deployment]:
    """Those whose runner does not answer at this moment."""

    async def answers(found: Deployment) -> bool:
        waits = await asyncio.gather(*map(not_ready, config.places.probes(found) or ()))
        # One of several is enough for a switch that cannot wait.
        return None in waits

    async def all_answers() -> list[bool]:
        return list(await asyncio.gather(*map(answers, deployments)))

    return [found for found, well in zip(deployments, asyncio.run(all_answers()), strict=True) if not well]


def announce(config: VersionsConfig, database: Database, deployments: Sequence[Deployment]) -> None:
    """Tell the workers of new deployments, before their first event.

    Raises:
        PublishError: the broker did not take it.
    """
    now = datetime.now(UTC)
    publish(config.bootstrap, config.layout, [record_of(database, found, "live", now) for found in deployments])


def wait_for(config: VersionsConfig, database: Database, deployments: Sequence[Deployment]) -> None:
    """Return when each of their runners has loaded its model and answered its example.

    Raises:
        RunnerNotReadyError: one does not, or was cancelled.
    """

    async def all_ready() -> None:
        await asyncio.gather(
            *(
                await_runner(config.places, allowed_s(found), partial(registry.get_deployment, database, found.id))
                for found in deployments
            )
        )

    def allowed_s(found: Deployment) -> float:
        manifest = registry.get_version(database, found.model, found.version, found.workspace).manifest
        return config.deadlines.start_s(manifest)

    asyncio.run(all_ready())
