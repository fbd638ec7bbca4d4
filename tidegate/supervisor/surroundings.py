"""What all parts of one stack share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tidegate.supervisor.policy import RestartPolicy


@dataclass(frozen=True)
class Surroundings:
    """Folders, environment, bounds in seconds, and who is told of changes."""

    home: Path
    logs: Path
    env: Mapping[str, str]
    start_timeout_s: float
    stop_timeout_s: float
    changed: Callable[[], None]
    """Called after each change of a part's state."""
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    random: Random = field(default_factory=Random)
