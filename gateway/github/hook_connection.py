"""What the webhook knows of connections, and whom it hands a push to; known without loading a web framework."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class HookConnection:
    """Of a repository: one for each model that it deploys."""

    id: int
    secret: str = field(repr=False)
    """That the webhook was made with."""
    branch: str
    """Whose pushes are deployed."""
    workspace: str
    model: str
    previews: bool = False
    """Whether other branches become previews."""


class HookSource(Protocol):
    def of_repository(self, repository: str) -> Sequence[HookConnection]:
        """Connections of `owner/name`, however it is spelt. May block."""


@dataclass(frozen=True)
class GithubConfig:
    source: HookSource
    deployer: Path
    """The deployer's socket."""
