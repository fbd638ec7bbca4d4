"""What the Kubernetes launcher needs of the settings."""

from dataclasses import dataclass, field

from tidegate.deadlines import Deadlines
from tidegate.settings import Settings

RUNNER_PORT = 8750
"""In each pod."""


class PodsConfigError(Exception):
    """The settings do not say enough, or name no cluster; the message says what is missing."""


@dataclass(frozen=True)
class PodsConfig:
    image: str
    """Tidegate itself: fetching and serving are modules of it."""
    namespace: str = "default"
    owner: str = "tidegate"
    """Objects that bear it are this Tidegate's own: it removes those that are not wanted."""
    artifacts_secret: str | None = None
    """Secret whose keys are environment variables of the step that fetches the model's files."""
    deadlines: Deadlines = field(default_factory=Deadlines)


def pods_config(settings: Settings) -> PodsConfig:
    """Raises PodsConfigError."""
    if not settings.kubernetes_image:
        raise PodsConfigError(
            "TIDEGATE_LAUNCHER=kubernetes needs TIDEGATE_KUBERNETES_IMAGE: an image with Tidegate in it "
            "(deploy/Dockerfile builds one)"
        )
    if not settings.artifacts_url or settings.artifacts_url.startswith("file:"):
        raise PodsConfigError(
            "TIDEGATE_LAUNCHER=kubernetes needs TIDEGATE_ARTIFACTS_URL: a store that pods can read, such as "
            "s3://bucket/models; a folder of this machine is none"
        )
    return PodsConfig(
        image=settings.kubernetes_image,
        namespace=settings.kubernetes_namespace,
        owner=settings.kubernetes_owner,
        artifacts_secret=settings.kubernetes_artifacts_secret,
        deadlines=settings.deadlines,
    )
