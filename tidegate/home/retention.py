"""How long what was deployed stays on disk: pure, from what the registry says of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.registry.usage import VersionUse


@dataclass(frozen=True)
class Retention:
    """An artifact goes when both its number and its time are over, and nobody runs it or would go back to it."""

    versions: int = 10
    """Of each model: so many of the newest stay."""
    unused: timedelta = timedelta(days=30)
    """So long after it was last used it stays."""
    logs: timedelta = timedelta(days=14)
    """Of runners whose deployment has ended."""
    copies: timedelta = timedelta(days=1)
    """Of artifacts that nobody runs: they can be fetched again."""


def kept(uses: Iterable[VersionUse], rule: Retention, now: datetime) -> dict[str, str]:
    """Why artifacts stay, by hash. Those of versions that are not named may go."""
    found: dict[str, str] = {}
    for use in uses:
        why = _why(use, rule, now)
        if why is not None:
            found.setdefault(use.sha256, f"{use.model} version {use.number} {why}")
    return found


def running(uses: Iterable[VersionUse]) -> set[str]:
    """Hashes of what a runner may be reading."""
    return {use.sha256 for use in uses if use.has_runner}


def _why(use: VersionUse, rule: Retention, now: datetime) -> str | None:
    if use.has_runner:
        return "runs"
    if use.is_next:
        return "is what a rollback goes to"
    if use.rank < rule.versions:
        return f"is one of the {rule.versions} newest"
    if now - use.last_used < rule.unused:
        return f"was used in the last {rule.unused.days} days"
    return None
