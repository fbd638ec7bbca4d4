"""Why a deployment ended, in words. Pure."""

from collections.abc import Iterable

from storage.registry import PRODUCTION, Deployment, Role, Status


def why_ended(deployment: Deployment, models: Iterable[Deployment]) -> str:
    """A clause, for the alerts that it resolves.

    Args:
        models: all deployments of its model, as they are now.
    """
    if deployment.status is Status.FAILED:
        return f"it failed: {deployment.error or 'its log says why'}"[:300]
    if deployment.status is Status.CANCELLED:
        return "it was cancelled"
    if deployment.role in PRODUCTION:
        return _replaced(deployment, models)
    if deployment.role is Role.PREVIEW:
        return f"the preview of {deployment.branch} is over"
    return "it gets no copies of the traffic any more"


def _replaced(deployment: Deployment, models: Iterable[Deployment]) -> str:
    live = (found for found in models if found.status is Status.LIVE and found.role is Role.PRIMARY)
    primary = next(live, None)
    if primary is None:
        return "it was retired"
    if primary.version == deployment.version:
        return f"another deployment of version {primary.version} took its place"
    return f"version {primary.version} took its place"
