"""What the deployer is told."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from model_runner.environment import Store
from model_runner.folder_bounds import FolderBounds
from model_runner.sandbox.policy import SandboxPolicy
from storage import registry
from stream.topics import TopicLayout
from tidegate.capacity import Capacity
from tidegate.deadlines import Deadlines
from tidegate.runner_places import RunnerPlaces


@dataclass(frozen=True)
class DeployConfig:
    database_dsn: str
    artifacts_url: str
    staging: Path
    """Folder for the copy that is checked."""
    places: RunnerPlaces
    """Where the runners are that the supervisor starts."""
    gateway_url: str
    bootstrap: str
    layout: TopicLayout
    deadlines: Deadlines
    sandbox: SandboxPolicy
    capacity: Capacity
    environments: Store
    environments_mb: int
    """What the environments may take before those that nothing uses are removed."""
    warm_runners: int = registry.WARM_KEPT
    preview_lifetime: timedelta = timedelta(hours=72)
    bounds: FolderBounds = field(default_factory=FolderBounds)
    """What a model folder may hold."""
