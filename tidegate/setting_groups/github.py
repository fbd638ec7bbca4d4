"""The one repository on GitHub that settings connect; others are connected by command."""

from pathlib import Path

from pydantic import Field, SecretStr

from tidegate.setting_groups.group import SettingGroup


class GithubSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    github_repository: str | None = Field(
        default=None,
        pattern=r"^[^/\s]+/[^/\s]+$",
        description="`owner/name` of a GitHub repository whose pushes are deployed, by its webhook to /hooks/github.",
    )
    github_secret: SecretStr | None = Field(
        default=None, description="Secret of that webhook; without one no delivery is believed."
    )
    github_token: SecretStr | None = Field(
        default=None,
        description="GitHub token: fetches a private repository over https, writes commit statuses and deployments.",
    )
    github_deploy_key: Path | None = Field(
        default=None, description="File with the private key that fetches the repository over ssh."
    )
    github_clone_url: str | None = Field(
        default=None,
        description="Where the commit is fetched from (https, ssh or file). Default: the repository on github.com.",
    )
    github_model: str | None = Field(
        default=None, description="Name of the model in that repository. Default: the repository's name."
    )
    github_previews: bool = Field(
        default=False,
        description="Whether pushes to other branches of that repository become previews. Then whoever may push any "
        "branch there may run code here.",
    )
    github_api_url: str = Field(
        default="https://api.github.com", description="GitHub's API, for statuses; another one for GitHub Enterprise."
    )
