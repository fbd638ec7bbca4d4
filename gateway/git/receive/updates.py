"""What a push changes: pure, from the lines that git hands to a hook."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

HEADS = "refs/heads/"
TAGS = "refs/tags/"
BYTES = "surrogateescape"
"""How bytes of a ref's name that are no UTF-8 stand in a string of ours."""


class Target(Enum):
    """What a change of a ref is for."""

    PRODUCTION = "production"
    PREVIEW = "preview"
    OTHER = "other"
    """A tag, a note, a branch of another remote: kept, nothing is deployed."""


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

    def deploys(self, branch: str) -> bool:
        """Whether a version comes of it. `branch` is the production branch."""
        return self.target(branch) is not Target.OTHER and not self.deletes

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
