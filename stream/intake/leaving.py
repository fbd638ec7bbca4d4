"""How long the events of a deployment that ended are still counted: until what was under way then was read. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

GRACE_S = 10.0
"""Its requests are answered and their events are with the broker so long after it ended."""


@dataclass(slots=True)
class Leaving:
    """Of one worker: when it learned of each ending, and how far its partitions reached a grace later."""

    _since: dict[str, float] = field(default_factory=dict)
    _goals: dict[str, dict[int, int]] = field(default_factory=dict)

    def over(
        self, ended: Collection[str], now: float, ends: Mapping[int, int], next_offsets: Mapping[int, int]
    ) -> list[str]:
        """Those of `ended` whose events were all read, for what can be known.

        Args:
            now: a monotonic clock.
            ends: end offset of each partition held here, as far as it is known.
            next_offsets: what is read next of each.
        """
        for deployment_id in self._since.keys() - set(ended):
            self._forget(deployment_id)
        done = []
        for deployment_id in ended:
            if now - self._since.setdefault(deployment_id, now) < GRACE_S:
                continue
            goals = self._goals.setdefault(deployment_id, dict(ends))
            if all(next_offsets[p] >= end for p, end in goals.items() if p in next_offsets):
                done.append(deployment_id)
        for deployment_id in done:
            self._forget(deployment_id)
        return done

    def start_anew(self) -> None:
        """Another partition came: events may wait in it."""
        self._since.clear()
        self._goals.clear()

    def _forget(self, deployment_id: str) -> None:
        self._since.pop(deployment_id, None)
        self._goals.pop(deployment_id, None)
