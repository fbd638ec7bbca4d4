"""The launcher of pods from the settings."""

from collections.abc import Callable

from storage.registry import Database
from tidegate.pods.cluster import Cluster, ClusterError
from tidegate.pods.config import PodsConfigError, pods_config
from tidegate.pods.launcher import PodLauncher
from tidegate.runner_places import token_source
from tidegate.settings import Settings

__all__ = ["PodsConfigError", "make_pod_launcher"]


def make_pod_launcher(settings: Settings, changed: Callable[[], None]) -> PodLauncher:
    """Raises PodsConfigError. Nothing is asked of the cluster yet."""
    config = pods_config(settings)
    try:
        cluster = Cluster(config.namespace)
    except ClusterError as error:
        raise PodsConfigError(str(error)) from error
    return PodLauncher(config, cluster, Database(settings.database_dsn), token_source(settings), changed)
