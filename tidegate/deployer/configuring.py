"""What the deployer needs of the settings."""

from tidegate.deployer.deploying import DeployConfig
from tidegate.settings import Settings


def deploy_config(settings: Settings) -> DeployConfig:
    return DeployConfig(
        database_dsn=settings.database_dsn,
        artifacts_url=settings.artifacts,
        staging=settings.home_path / "staging",
        run_path=settings.run_path,
        bootstrap=settings.bootstrap,
        layout=settings.topics,
        runner_start_timeout_s=settings.runner_start_timeout_s,
    )
