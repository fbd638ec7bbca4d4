"""What the deployer is told."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from model_runner.environment import Store
from model_runner.folder.bounds import FolderBounds
from model_runner.sandbox.policy import SandboxPolicy
from tidegate.rollout.config import RolloutConfig


@dataclass(frozen=True)
class DeployConfig:
    rollout: RolloutConfig
    artifacts_url: str
    staging: Path
    """Folder for the copy that is checked."""
    sandbox: SandboxPolicy
    environments: Store
    environments_mb: int
    """What the environments may take before those that nothing uses are removed."""
    preview_lifetime: timedelta = timedelta(hours=72)
    bounds: FolderBounds = field(default_factory=FolderBounds)
    """What a model folder may hold."""
