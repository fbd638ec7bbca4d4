"""`tidegate github`: which repositories on GitHub deploy which models."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.cli.context import load_settings, open_registry
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import console, print_json, print_list, print_table, rows_left_out, tell_unreadable

if TYPE_CHECKING:
    from gateway.github.connections import ConnectionView
    from storage.registry import GithubConnection
    from tidegate.settings import Settings

MOST_BYTES = 20_000
STEPS = """On GitHub: the repository's Settings → Webhooks → Add webhook
  Payload URL   https://<your host>{path}   (here: {local})
  Content type  application/json
  Secret        {secret}
  Events        Just the push event"""


@dataclass(frozen=True)
class ConnectArguments:
    repository: str
    model: str
    workspace: str
    branch: str | None
    path: str
    clone_url: str | None
    previews: bool
    secret: str | None
    token_file: Path | None
    deploy_key_file: Path | None


def connect(arguments: ConnectArguments, *, as_json: bool) -> None:
    from gateway.edge.token import TokenError  # noqa: PLC0415
    from tidegate.github.connecting import ConnectError, Wanted  # noqa: PLC0415
    from tidegate.github.connecting import connect as work  # noqa: PLC0415
    from tidegate.github.sealing import sealer_of  # noqa: PLC0415
    from tidegate.github.views import HOOK_PATH, view  # noqa: PLC0415

    settings = load_settings()
    key = _read(arguments.deploy_key_file)
    token = _read(arguments.token_file)
    wanted = Wanted(
        repository=arguments.repository,
        model=arguments.model,
        workspace=arguments.workspace,
        branch=arguments.branch or settings.production_branch,
        path=arguments.path,
        clone_url=arguments.clone_url,
        previews=arguments.previews,
        secret=arguments.secret,
        token=None if token is None else token.strip(),
        deploy_key=key,
    )
    with open_registry(settings) as database:
        try:
            made = work(database, sealer_of(settings.home_path), wanted, may_name_files=True)
        except ConnectError as error:
            raise CliError(f"{str(error)[:1].upper()}{str(error)[1:]}.", Exit.USAGE) from error
        except TokenError as error:
            raise CliError(str(error)) from error
    shown = view(made.connection)
    if as_json:
        print_json({**shown.model_dump(mode="json"), "secret": made.secret, "hook_path": HOOK_PATH})
        return
    out = console()
    out.print(f"Pushes to {_place(shown)} deploy {shown.model} (connection {shown.id}).", highlight=False)
    if made.secret is None:
        out.print("The webhook of this repository has its secret already: there is nothing more to do.")
        return
    local = f"{settings.gateway_url}{HOOK_PATH}"
    out.print(STEPS.format(path=HOOK_PATH, local=local, secret=made.secret), highlight=False, soft_wrap=True)
    out.print("The secret is not shown again; to change it, connect the repository anew with --secret.", style="dim")


def list_connections(*, as_json: bool) -> None:
    settings = load_settings()
    unreadable = rows_left_out()
    found = _all(settings, unreadable)
    tell_unreadable(unreadable, "Connect the repository anew.")
    if as_json:
        print_list("connections", [one.model_dump(mode="json") for one in found], unreadable)
    elif not found and not unreadable:
        console().print("No repository is connected yet: `tidegate github connect OWNER/NAME --model MODEL`.")
    else:
        print_table(
            ["#id", "repository", "branch", "path", "model", "previews", "fetched with"],
            [
                (
                    one.id or "settings",
                    one.repository,
                    one.branch,
                    one.path or "/",
                    one.model if one.workspace == "default" else f"{one.workspace}/{one.model}",
                    "yes" if one.previews else "no",
                    "deploy key" if one.has_deploy_key else "token" if one.has_token else "no credentials",
                )
                for one in found
            ],
        )


def disconnect(repository: str, model: str | None, *, as_json: bool) -> None:
    from storage import registry  # noqa: PLC0415

    settings = load_settings()
    with open_registry(settings) as database:
        known = registry.github_connections(database, repository)
        found = [one for one in known if model in (None, one.model)]
        if not found:
            raise CliError(_not_connected(settings, repository, [one.model for one in known]), Exit.UNKNOWN)
        for one in found:
            registry.disconnect_github(database, one.id)
    if as_json:
        print_json([{"id": one.id, "repository": one.repository, "model": one.model} for one in found])
    else:
        gone, left = (_names(some) for some in (found, [one for one in known if one not in found]))
        end = f"Its webhook stays: {left}." if left else "Remove the webhook on GitHub."
        console().print(f"Pushes to {repository} deploy {gone} no more; what is live stays. {end}", highlight=False)


def _names(connections: "list[GithubConnection]") -> str:
    return ", ".join(one.model for one in connections)


def _not_connected(settings: "Settings", repository: str, models: list[str]) -> str:
    if models:
        return f"{repository} deploys another model: {', '.join(models)}."
    if repository.lower() == (settings.github_repository or "").lower():
        return f"{repository} is connected by the settings: remove TIDEGATE_GITHUB_REPOSITORY and restart the stack."
    return f"{repository} is not connected: `tidegate github list` shows what is."


def _all(settings: "Settings", unreadable: dict[str, str]) -> "list[ConnectionView]":
    from storage import registry  # noqa: PLC0415
    from tidegate.github.connections import connection_of_settings  # noqa: PLC0415
    from tidegate.github.views import view, view_of_settings  # noqa: PLC0415

    own = connection_of_settings(settings)
    with open_registry(settings) as database:
        found = [view(one) for one in registry.github_connections(database, unreadable=unreadable)]
    return ([] if own is None else [view_of_settings(own)]) + found


def _place(shown: "ConnectionView") -> str:
    within = f", folder {shown.path}" if shown.path else ""
    return f"{shown.repository} (branch {shown.branch}{within})"


def _read(path: Path | None) -> str | None:
    """Raises CliError."""
    if path is None:
        return None
    try:
        with path.expanduser().open("rb") as file:
            return file.read(MOST_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise CliError(f"{path} cannot be read: {reason}.", Exit.USAGE) from error
