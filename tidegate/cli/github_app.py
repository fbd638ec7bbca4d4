"""The commands about GitHub: their arguments and help. The work is in commands/github.py."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.version_app import Json

Repository = Annotated[str, typer.Argument(help="OWNER/NAME on GitHub.")]
github = typer.Typer(
    help="Connect repositories on GitHub: their pushes deploy models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@github.command("connect")
def connect(
    repository: Repository,
    model: Annotated[str, typer.Option("--model", help="Name of the model that its pushes deploy.")],
    workspace: Annotated[str, typer.Option(help="The model's workspace.")] = "default",
    branch: Annotated[str | None, typer.Option(help="Whose pushes go live. Default: the production branch.")] = None,
    path: Annotated[str, typer.Option(help="Folder of the model within the repository. Default: all of it.")] = "",
    previews: Annotated[bool, typer.Option("--previews", help="Make previews of its other branches.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with a GitHub token: fetches, and writes statuses and deployments.")
    ] = None,
    deploy_key_file: Annotated[
        Path | None, typer.Option(help="Private key that fetches over ssh, without a passphrase.")
    ] = None,
    secret: Annotated[str | None, typer.Option(help="Of the webhook. Default: one is made and shown once.")] = None,
    clone_url: Annotated[
        str | None, typer.Option(help="Where commits are fetched from. Default: the repository on github.com.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Deploy a model when somebody pushes to a repository; shows what to enter on GitHub.

    Several models may be connected to one repository, each by its folder. A model has one connection: another takes
    its place.
    """
    from tidegate.cli.commands.github import ConnectArguments  # noqa: PLC0415
    from tidegate.cli.commands.github import connect as work  # noqa: PLC0415

    given = ConnectArguments(
        repository, model, workspace, branch, path, clone_url, previews, secret, token_file, deploy_key_file
    )
    work(given, as_json=as_json)


@github.command("list")
def list_connections(as_json: Json = False) -> None:
    """List the connected repositories, their branches, folders and models."""
    from tidegate.cli.commands.github import list_connections as work  # noqa: PLC0415

    work(as_json=as_json)


@github.command("disconnect")
def disconnect(
    repository: Repository,
    model: Annotated[str | None, typer.Option("--model", help="Only this model. Default: every model of it.")] = None,
    as_json: Json = False,
) -> None:
    """Deploy no more what is pushed to a repository. What is live stays."""
    from tidegate.cli.commands.github import disconnect as work  # noqa: PLC0415

    work(repository, model, as_json=as_json)
