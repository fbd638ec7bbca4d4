"""The commands about versions and deployments: their arguments and help. The work is in commands/versions.py."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Write JSON, and nothing else, to stdout.")]
Model = Annotated[str, typer.Argument(help="Name of a model.")]
Version = Annotated[str | None, typer.Argument(help="Number of a version, such as 7 or v7.")]


def add_version_commands(app: typer.Typer) -> None:
    """Put them on the command line."""
    for command in (deployments, rollback, promote, redeploy, traffic, shadow, scale, cancel):
        app.command()(command)


def deployments(
    model: Model,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: Json = False,
) -> None:
    """List a model's deployments: version, role, share of the traffic, state, and since when."""
    from tidegate.cli.commands.versions import list_deployments as work  # noqa: PLC0415

    work(model, every=every, as_json=as_json)


def rollback(model: Model, version: Version = None, as_json: Json = False) -> None:
    """Give all the traffic to a version; by default to the one that was live before.

    The last one is warm and gets it at once. Another is started first, and until it answers nothing changes.
    """
    from tidegate.cli.commands.versions import rollback as work  # noqa: PLC0415

    work(model, version, as_json=as_json)


def promote(model: Model, version: Version = None, as_json: Json = False) -> None:
    """Give all the traffic to a version; by default to the only canary or shadow."""
    from tidegate.cli.commands.versions import promote as work  # noqa: PLC0415

    work(model, version, as_json=as_json)


def redeploy(model: Model, version: Version = None, as_json: Json = False) -> None:
    """Start a version anew without building it; by default the newest that was ever live.

    The new runner takes the place of the version's live one. Where it has none, it gets all the traffic.
    """
    from tidegate.cli.commands.versions import redeploy as work  # noqa: PLC0415

    work(model, version, as_json=as_json)


def traffic(
    model: Model,
    shares: Annotated[list[str], typer.Argument(help="VERSION=WEIGHT …, such as v7=90 v6=10.")],
    as_json: Json = False,
) -> None:
    """Share a model's traffic out, in one step. Only proportions matter; a version that is not named gets none."""
    from tidegate.cli.commands.versions import traffic as work  # noqa: PLC0415

    work(model, shares, as_json=as_json)


def shadow(
    model: Model,
    version: Version = None,
    off: Annotated[bool, typer.Option("--off", help="End it; without a version every shadow of the model.")] = False,
    as_json: Json = False,
) -> None:
    """Send a version copies of a model's requests. Callers neither wait for it nor see its answers.

    Its events have the role `shadow`, and its drift is measured like any other's.
    """
    from tidegate.cli.commands.versions import shadow as work  # noqa: PLC0415

    work(model, version, off=off, as_json=as_json)


def scale(
    model: Model,
    replicas: Annotated[int, typer.Argument(min=1, max=64, help="Runners of each deployment that is live.")],
    version: Annotated[str | None, typer.Option("--version", help="Only those of this version, such as v7.")] = None,
    as_json: Json = False,
) -> None:
    """Change how many runners a model has; its next deployment has as many as its tidegate.toml says."""
    from tidegate.cli.commands.versions import scale as work  # noqa: PLC0415

    work(model, replicas, version, as_json=as_json)


def cancel(
    what: Annotated[
        str, typer.Argument(help="Number of a job (`tidegate jobs`), or id of a deployment (`tidegate deployments`).")
    ],
    as_json: Json = False,
) -> None:
    """Call off a job that waits or runs, or a deployment that is starting. The version that is live stays live."""
    if what.isdecimal():
        from tidegate.cli.commands.jobs import cancel as cancel_job  # noqa: PLC0415

        cancel_job(int(what), as_json=as_json)
        return
    from tidegate.cli.commands.versions import cancel as cancel_deployment  # noqa: PLC0415

    cancel_deployment(what, as_json=as_json)
