"""What the deployer needs of the settings."""

from datetime import timedelta

from tidegate.capacity import capacity_of
from tidegate.deployer.config import DeployConfig
from tidegate.environments import store_of
from tidegate.runner_places import runner_places
from tidegate.sandboxing import sandbox_policy
from tidegate.settings import Settings


def deploy_config(settings: Settings) -> DeployConfig:
    return DeployConfig(
        database_dsn=settings.database_dsn,
        artifacts_url=settings.artifacts,
        staging=settings.home_path / "staging",
        places=runner_places(settings),
        gateway_url=settings.gateway_url,
        bootstrap=settings.bootstrap,
        layout=settings.topics,
        deadlines=settings.deadlines,
        sandbox=sandbox_policy(settings),
        capacity=capacity_of(settings),
        environments=store_of(settings),
        environments_mb=settings.environments_mb,
        warm_runners=settings.warm_runners,
        bounds=settings.folder_bounds,
        preview_lifetime=timedelta(hours=settings.preview_hours),
    )
