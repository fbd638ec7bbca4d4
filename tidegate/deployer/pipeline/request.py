"""What a deployment is asked for, beside the files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Received:
    """A folder that is the deployer's own already: nobody else writes to it, so it need not be copied."""

    seconds: float
    """That it took to receive it."""


@dataclass(frozen=True)
class DeployRequest:
    """Where a version is to be; what is None, its files say."""

    name: str | None = None
    workspace: str | None = None
    """With one, a tidegate.toml that names another place is refused."""
    branch: str | None = None
    """Make it the preview of this branch; None is production."""
    deployment_id: str | None = None
    received: Received | None = None
    """The folder is the deployer's own; None where it is to be copied first."""
