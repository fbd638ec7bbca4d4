"""What a rollout needs of the settings."""

from dataclasses import dataclass

from stream.contracts.topics import TopicLayout
from tidegate.deadlines import Deadlines
from tidegate.home.capacity import Capacity, capacity_of
from tidegate.runner_places import RunnerPlaces, runner_places
from tidegate.settings import Settings


@dataclass(frozen=True)
class RolloutConfig:
    database_dsn: str
    places: RunnerPlaces
    """Where the runners are that the supervisor starts."""
    gateway_url: str
    bootstrap: str
    layout: TopicLayout
    deadlines: Deadlines
    warm_runners: int
    """Runners that stay up once their deployment has lost its traffic."""
    capacity: Capacity


def rollout_config(settings: Settings) -> RolloutConfig:
    return RolloutConfig(
        database_dsn=settings.database_dsn,
        places=runner_places(settings),
        gateway_url=settings.gateway_url,
        bootstrap=settings.bootstrap,
        layout=settings.topics,
        deadlines=settings.deadlines,
        warm_runners=settings.warm_runners,
        capacity=capacity_of(settings),
    )
