"""Which deployments ended, when and why: a deployment has one life, so what ended never comes back. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

KEPT = 4096
"""Endings remembered. What is forgotten is still not among the announced, and counts as ended all the same."""


class Ending(NamedTuple):
    """Of one deployment."""

    ts: str
    """RFC 3339, microseconds, UTC; empty where nobody knows any more."""
    reason: str
    """A clause, such as `version 3 took its place`."""


UNKNOWN = Ending("", "it is announced no more")
"""Of a deployment whose record is gone from the topic."""


class Endings(dict[str, Ending]):
    """By deployment, the oldest first; bounded."""

    def note(self, deployment_id: str, ending: Ending) -> None:
        """The first ending of a deployment holds."""
        self.setdefault(deployment_id, ending)
        while len(self) > KEPT:
            del self[next(iter(self))]

    def among(self, deployment_ids: Iterable[str], announced: Iterable[str] | None) -> dict[str, Ending]:
        """Those that ended.

        Args:
            announced: every deployment there is; None where that is not known for sure.
        """
        known = None if announced is None else set(announced)
        found = {}
        for deployment_id in deployment_ids:
            ending = self.get(deployment_id)
            if ending is None and known is not None and deployment_id not in known:
                ending = UNKNOWN
            if ending is not None:
                found[deployment_id] = ending
        return found
