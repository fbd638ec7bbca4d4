"""What the webhook must know of a connection; whoever keeps them need not load a web framework for that."""

from dataclasses import dataclass, field


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
