"""Which deployments nobody has asked for long enough. Pure: the clock comes in as an argument."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

GATEWAYS_S = 1.0
"""A gateway tells of requests once a second: what the registry says may be that old."""


@dataclass(frozen=True)
class IdleCandidate:
    """A deployment as it stands now."""

    deployment_id: str
    idle_seconds: float
    last_request_at: datetime | None
    """By the clock of some gateway. It is only compared with itself: whether it changed."""
    is_ready: bool
    """Whether a runner of it answers. Until then it cannot be idle."""


class IdleWatch:
    """Measures with one clock, whatever those of the gateways say, and begins anew with every process."""

    def __init__(self) -> None:
        self._quiet: dict[str, tuple[datetime | None, float]] = {}
        """Last request and, in seconds, since when it stands there with a runner ready."""

    def due(self, seen: Iterable[IdleCandidate], now: float) -> list[IdleCandidate]:
        """Those that may sleep.

        Args:
            now: seconds, monotonic.
        """
        before, self._quiet = self._quiet, {}
        found = []
        for one in seen:
            last, since = before.get(one.deployment_id, (None, now))
            if not one.is_ready or last != one.last_request_at:
                since = now
            self._quiet[one.deployment_id] = one.last_request_at, since
            if now - since >= one.idle_seconds + GATEWAYS_S:
                found.append(one)
        return found
