"""What a push changes: pure, from the lines that git hands to a hook."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

HEADS = "refs/heads/"
TAGS = "refs/tags/"


class Target(Enum):
    """What a change of a ref is for."""

    PRODUCTION = "production"
    PREVIEW = "preview"
    OTHER = "other"
    """A tag: kept, nothing is deployed."""


@dataclass(frozen=True)
class Update:
    """One ref."""

    before: str
    """Zeros where there was none."""
    after: str
    """Zeros where it is deleted."""
    ref: str

    @property
    def deletes(self) -> bool:
        return set(self.after) == {"0"}

    @property
    def name(self) -> str:
        return self.ref.removeprefix(HEADS).removeprefix(TAGS)

    def target(self, branch: str) -> Target:
        """`branch` is the production branch."""
        if self.ref == f"{HEADS}{branch}":
            return Target.PRODUCTION
        return Target.PREVIEW if self.ref.startswith(HEADS) else Target.OTHER


def read_updates(lines: Iterable[str]) -> list[Update]:
    """`<before> <after> <ref>` each."""
    return [Update(*line.rstrip("\n").split(" ", 2)) for line in lines if line.strip()]
