"""How long the events of a deployment that ended are still counted: until what was under way then was read. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

GRACE_S = 10.0
"""Its requests are answered and their events are with the broker so long after it ended."""


@dataclass(slots=True)
class Leaving:
    """Of one worker: when it learned of each ending, and how far its partitions reached a grace later."""

    _since: dict[str, float] = field(default_factory=dict)
    _goals: dict[str, Mapping[int, int]] = field(default_factory=dict)

    def due(self, ended: Collection[str], now: float) -> list[str]:
        """Those of all that `ended` whose goal can be set now: the grace is over. `now`: a monotonic clock."""
        for deployment_id in self._since.keys() - set(ended):
            self._forget(deployment_id)
        for deployment_id in ended:
            self._since.setdefault(deployment_id, now)
        return [
            deployment_id
            for deployment_id, since in self._since.items()
            if now - since >= GRACE_S and deployment_id not in self._goals
        ]

    def set_goals(self, due: Iterable[str], ends: Mapping[int, int]) -> None:
        """Of those that were due; `ends`: where each partition held here ended after that."""
        for deployment_id in due:
            if deployment_id in self._since:  # not started anew since
                self._goals[deployment_id] = ends

    def over(self, next_offsets: Mapping[int, int]) -> list[str]:
        """Those whose events were all read, given what is read next of each partition that is still held here."""
        done = [
            deployment_id
            for deployment_id, goal in self._goals.items()
            if all(next_offsets[p] >= end for p, end in goal.items() if p in next_offsets)
        ]
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
