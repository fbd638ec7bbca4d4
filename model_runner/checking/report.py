"""What a check finds: its stages as they are done, and all of it at the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model_runner.environment import PreparedEnvironment
from model_runner.folder.manifest import Manifest
from model_runner.folder.reference import Reference
from model_runner.folder.schema_source import ModelInputs
from model_runner.folder.test_rows import TestRows
from model_runner.wire.frames import RunnerInfo


@dataclass(frozen=True)
class Stage:
    """One step of the check."""

    name: str
    seconds: float
    detail: str = ""
    """What there is to say about it."""


@dataclass(frozen=True)
class Report:
    """A model folder that can be served."""

    manifest: Manifest
    inputs: ModelInputs
    """Schema and example, to be sealed beside the model and stored in the registry."""
    info: RunnerInfo
    test: TestRows | None
    test_predictions: list[Any]
    """One per test row; empty without test rows."""
    reference: Reference | None
    reference_predictions: list[Any]
    """One per reference row, in its order; empty without a reference."""
    stages: tuple[Stage, ...]
    prepared: PreparedEnvironment
    """What the model ran with."""
    can_stay: bool = False
    """Whether the process in which it was checked still runs, and serves it as any other will from now on."""


OnStage = Callable[[Stage], None]


class StopWatch:
    """Seconds of each stage, from the end of the one before; told as they are done."""

    def __init__(self, on_stage: OnStage) -> None:
        self.stages: list[Stage] = []
        self._on_stage = on_stage
        self._since = time.perf_counter()

    def lap(self, name: str, detail: str = "") -> None:
        """This stage is done."""
        now = time.perf_counter()
        self.stages.append(Stage(name, now - self._since, detail))
        self._since = now
        self._on_stage(self.stages[-1])
