"""The stages of a deployment, each timed and told to whoever listens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from model_runner.plain_text import plain

STAGES = (
    "receive",
    "check",
    "scan",
    "environment",
    "load",
    "test predictions",
    "reference predictions",
    "compare",
    "profile",
    "start",
    "switch",
)


@dataclass(frozen=True)
class StageDone:
    name: str
    seconds: float
    detail: str = ""


class StageLog:
    """Collects the stages that are done."""

    def __init__(self, on_stage: Callable[[StageDone], None]) -> None:
        self.done: list[StageDone] = []
        self.current = "receive"
        self._on_stage = on_stage

    def add(self, name: str, seconds: float, detail: str = "") -> None:
        # A description is the model's own: it may not look like the line of another stage.
        self.done.append(StageDone(name, seconds, plain(detail)))
        self.current = stage_after(name)
        self._on_stage(self.done[-1])

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Time what happens inside; what is appended to the list is shown beside the stage."""
        self.current = name
        detail: list[str] = []
        started = time.perf_counter()
        yield detail
        self.add(name, time.perf_counter() - started, "; ".join(detail))


def stage_after(name: str) -> str:
    """The stage that begins when this one is done: what fails from now on, failed there."""
    index = STAGES.index(name) + 1 if name in STAGES else len(STAGES)
    return STAGES[index] if index < len(STAGES) else name


def stage_line(name: str, seconds: float, detail: str) -> str:
    """A stage as it stands in a job's log."""
    return f"✓ {name:<22}{seconds:6.2f} s  {detail}".rstrip()
