"""What the agents are told by the process that runs them."""

from dataclasses import dataclass, field
from pathlib import Path

from stream.contracts.topics import TopicLayout


@dataclass(frozen=True)
class EvaluationConfig:
    """What an evaluation is held against."""

    step_s: float = 2.0
    """Seconds between two evaluations."""
    false_alarms_per_30_days: float = 1.0


@dataclass(frozen=True)
class StreamConfig:
    """Plain values; the settings' names and reasons are in tidegate/setting_groups/."""

    bootstrap: str
    layout: TopicLayout
    data_folder: Path
    """Faust wants a folder; nothing that matters is in it."""
    flush_s: float = 1.0
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    batch_bytes: int = 1_000_000
    """Events are decoded when so many bytes were gathered, or at the next flush."""
    reader: str = "stream-worker"
    set_aside_quiet_s: float = 600.0
    """The alert about records that were set aside resolves when none was for so long."""
