"""How long each step of a deployment may take: from what its model asks for and what the operator allows. Pure.

Everyone who waits asks here, so that nobody gives up, or clears away, what somebody else still has time for:

    load < start < abandoned

A model loads, in its check and in its runner. A start is a runner that is made ready: its files fetched, its
environment built where this machine lacks it, its model loaded. A start is abandoned when whoever waited for it must
have given up long ago, and so was killed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Any

START_S = 30.0
"""For all of a start but environment and load: files are fetched, a process begins, a pod finds its node."""
BUILD_STEPS = 3
"""An environment that was resolved is made, filled and compiled."""
ABANDONED_S = 60.0
"""From the last moment that anybody waits to the first at which it is cleared away: to announce a deployment, and to
switch, take time too."""
JOB_S = 86_400.0
"""What a job holds is nobody else's to clear away, for so long: a push may wait for others, and for its own git."""
UNCLAIMED_S = 3600.0
"""An export that no job has after so long belongs to a push that died: it is handed over as soon as it is written."""


@dataclass(frozen=True)
class Deadlines:
    """What the operator allows, in seconds."""

    load: float = 60.0
    """For a model that does not say (TIDEGATE_RUNNER_START_TIMEOUT_S)."""
    most_load: float = inf
    """For one that does."""
    build_step: float = 600.0
    """For each step of building an environment (TIDEGATE_ENVIRONMENT_TIMEOUT_S)."""

    def load_s(self, asked: float | None) -> float:
        """For the model to load and to answer its example.

        Args:
            asked: `[limits] load_seconds`.
        """
        return self.load if asked is None else min(asked, max(self.most_load, self.load))

    def start_s(self, manifest: Mapping[str, Any]) -> float:
        """Until a runner of a version must be ready, from when it is wanted.

        Args:
            manifest: of the version, as the registry keeps it.
        """
        builds = 0.0 if manifest.get("environment") is None else BUILD_STEPS * self.build_step
        return self.load_s(manifest.get("load_seconds")) + builds + START_S

    def abandoned_after(self, manifest: Mapping[str, Any]) -> timedelta:
        """How old a start is for which nobody can be waiting any more, where no job holds it."""
        return timedelta(seconds=self.start_s(manifest) + ABANDONED_S)
