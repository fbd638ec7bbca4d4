"""A connection with its secrets open, as the deployer and the webhook use it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Connection:
    id: int
    """0 is that of the settings."""
    repository: str
    workspace: str
    model: str
    branch: str
    path: str = ""
    clone_url: str | None = None
    previews: bool = False
    deployed_tree: str | None = None
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    deploy_key: str | None = field(default=None, repr=False)
    """The key itself."""

    @property
    def url(self) -> str:
        """Where commits are fetched from."""
        if self.clone_url is not None:
            return self.clone_url
        if self.deploy_key is not None:
            return f"ssh://git@github.com/{self.repository}.git"
        return f"https://github.com/{self.repository}.git"
