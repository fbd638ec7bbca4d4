"""The registry's values as the management API and `--json` show them."""

from collections.abc import Sequence

from gateway.management.contract import Changed, DeploymentView, ModelView, VersionView
from gateway.routing.routes import predict_path
from storage import registry
from storage.registry import PRODUCTION, WITH_RUNNER, Database, Deployment, Model, Role, Status, Version, with_share
from tidegate.rollout.change import Change
from tidegate.versions.operations import shadows


def deployment_view(found: Deployment) -> DeploymentView:
    return DeploymentView(
        id=found.id,
        workspace=found.workspace,
        model=found.model,
        version=found.version,
        role=found.role.value,
        status=found.status.value,
        weight=found.weight if found.status is Status.LIVE else 0.0,
        replicas=found.replicas,
        asleep=found.asleep and found.status in WITH_RUNNER,
        last_request_at=found.last_request_at,
        predict_path=_path(found),
        profile_id=found.profile_id,
        branch=found.branch,
        expires=found.expires,
        created=found.created,
        live_at=found.live_at,
        served_at=found.served_at,
        retired_at=found.retired_at,
        error=found.error,
    )


def version_view(found: Version) -> VersionView:
    return VersionView(version=found.number, format=found.format, sha256=found.sha256, created=found.created)


def model_view(found: Model, deployments: Sequence[Deployment]) -> ModelView:
    return ModelView(
        workspace=found.workspace,
        model=found.name,
        created=found.created,
        versions=len(found.versions),
        live_version=None if found.live is None else found.live.version,
        traffic=[deployment_view(one) for one in with_share(deployments)],
    )


def changed_view(database: Database, change: Change, *, done: bool, warnings: Sequence[str] = ()) -> Changed:
    """A change as it stands now."""
    deployments = registry.deployments_of(database, change.model, change.workspace)
    waiting = {found.id for found in change.waits_for}
    return Changed(
        done=done,
        summary=change.summary if done else f"Once its runner is ready: {change.summary}",
        starting=[] if done else [deployment_view(one) for one in deployments if one.id in waiting],
        traffic=[deployment_view(one) for one in with_share(deployments)],
        shadows=[deployment_view(one) for one in shadows(deployments)],
        warnings=list(warnings),
    )


def _path(found: Deployment) -> str | None:
    if found.status is not Status.LIVE or found.role is Role.SHADOW:
        return None
    return predict_path(found.workspace, found.model, None if found.role in PRODUCTION else found.slug)
