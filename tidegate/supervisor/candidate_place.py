"""What candidates, and the process that is ready before them, are made with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_runner.environment import Store
from model_runner.limits import Limits
from model_runner.sandbox.plan import Confinement
from tidegate.supervisor.confining import Placed
from tidegate.supervisor.part import Part
from tidegate.supervisor.plan import PartSpec
from tidegate.supervisor.room import Room


@dataclass(frozen=True)
class CandidatePlace:
    """Where they are, what they may use, and how one is made."""

    run_path: Path
    folder: Path
    """Holds the files of each, in a folder of its own."""
    environments: Store
    make_part: Callable[[PartSpec], Part]
    confine: Callable[[Placed, str, Limits], Confinement]
    """Given where it belongs, and its name."""
    room: Room
    """Of all runners. Candidates are counted there; a spare takes what is left, and is not."""
