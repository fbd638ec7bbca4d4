"""What a benchmark is given."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """`quick` asks for fewer rows and repetitions: to see that it works, not to quote."""

    quick: bool
    scratch: Path
    """An empty folder, deleted afterwards."""
    broker: str = "embedded"
    """`embedded` or `kafka` (KAFKA_HOME), for `kills`."""
    kills: int = 20
    seed: int = 1

    @property
    def repetitions(self) -> int:
        return 1 if self.quick else 3

    def choose(self, quick: int, full: int) -> int:
        return quick if self.quick else full
