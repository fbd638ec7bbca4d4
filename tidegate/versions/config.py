"""What changes of versions need of the settings."""

from dataclasses import dataclass
from pathlib import Path

from stream.topics import TopicLayout
from tidegate.settings import Settings


@dataclass(frozen=True)
class VersionsConfig:
    database_dsn: str
    run_path: Path
    bootstrap: str
    layout: TopicLayout
    runner_start_timeout_s: float
    warm_runners: int
    """Runners that stay up once their deployment has lost its traffic."""


def versions_config(settings: Settings) -> VersionsConfig:
    return VersionsConfig(
        database_dsn=settings.database_dsn,
        run_path=settings.run_path,
        bootstrap=settings.bootstrap,
        layout=settings.topics,
        runner_start_timeout_s=settings.runner_start_timeout_s,
        warm_runners=settings.warm_runners,
    )
