"""Makes a deployment of a version: a row of the registry, whose runner the supervisor starts."""

from datetime import datetime

from storage import registry
from storage.artifact_removal import is_stored
from storage.registry import Database, Deployment, DeploymentStateError, Role, Version
from tidegate.rollout.config import RolloutConfig


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


def make(
    config: RolloutConfig,
    database: Database,
    version: Version,
    role: Role = Role.PRIMARY,
    *,
    branch: str | None = None,
    expires: datetime | None = None,
    deployment_id: str | None = None,
    now: datetime | None = None,
) -> Deployment:
    """A deployment of a version, with the version's newest profile.

    Args:
        branch, expires: of a preview.
        deployment_id: where it has one already.

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
        branch=branch,
        expires=expires,
        deployment_id=deployment_id,
        now=now,
    )
