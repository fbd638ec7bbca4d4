"""What the deployer needs of the settings."""

from datetime import timedelta

from tidegate.deployer.pipeline.config import DeployConfig
from tidegate.home.environments import store_of
from tidegate.rollout.config import rollout_config
from tidegate.sandboxing import sandbox_policy
from tidegate.settings import Settings


def deploy_config(settings: Settings) -> DeployConfig:
    return DeployConfig(
        rollout=rollout_config(settings),
        artifacts_url=settings.artifacts,
        staging=settings.home_path / "staging",
        sandbox=sandbox_policy(settings),
        environments=store_of(settings),
        environments_mb=settings.environments_mb,
        bounds=settings.folder_bounds,
        preview_lifetime=timedelta(hours=settings.preview_hours),
    )
