"""The commands, their help and their errors. Each command's work is in a module of its own, loaded when it is used."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from model_runner.plain_text import printable
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.github_app import github
from tidegate.cli.version_app import Json, add_version_commands
from tidegate.left_out import CLIENT_OF_HTTPX, leave_out

HELP = """Push a model, get an API, and see its drift within seconds.

Exit codes: 0 done, 1 failed, 2 wrong arguments or settings, 3 the stack is not running, 4 unknown model,
version or deployment, 5 the model or its data was refused.
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


def main() -> None:
    """Entry point of the console script."""
    leave_out(CLIENT_OF_HTTPX)
    try:
        app()
    except CliError as error:
        for line in f"error: {error.message}".splitlines():
            print(printable(line), file=sys.stderr)
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        _end_with(error)


def _end_with(error: OSError) -> None:
    """Raises what a user can do nothing about."""
    # Loaded here: hardly anybody ever needs it.
    from model_runner.disk.space import is_full, no_room  # noqa: PLC0415
    from tidegate.cli.rows.named_files import in_a_line  # noqa: PLC0415

    if isinstance(error, BrokenPipeError):
        # `tidegate logs | head` is no error; Python would complain once more while it ends.
        sys.stderr.close()
        sys.exit(Exit.OK)
    if is_full(error):
        said = no_room(error, Path.cwd())
    elif isinstance(error.filename, str):
        said = in_a_line(error, error.filename)
    else:
        raise error
    print(printable(f"error: {said}"), file=sys.stderr)
    sys.exit(Exit.FAILED)


@app.command()
def up(
    foreground: Annotated[bool, typer.Option(help="Stay, show the logs, and stop the stack at Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Start the stack in the background and return when it is ready. A second `up` finds the first."""
    from tidegate.cli.commands.stack import up as work  # noqa: PLC0415

    work(foreground=foreground, as_json=as_json)


@app.command()
def down(
    now: Annotated[bool, typer.Option("--now", help="Kill everything at once; nothing is drained.")] = False,
    as_json: Json = False,
) -> None:
    """Drain and stop the stack. What was acknowledged has landed in ClickHouse when it returns."""
    from tidegate.cli.commands.stack import down as work  # noqa: PLC0415

    work(now=now, as_json=as_json)


@app.command()
def status(as_json: Json = False) -> None:
    """Show every process: its state, since when, restarts, memory, and what a failing one wrote last."""
    from tidegate.cli.commands.status import status as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command("gc")
def collect_garbage(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False, as_json: Json = False
) -> None:
    """Remove what nobody needs any more: artifacts of old versions, copies, logs of deployments that ended."""
    from tidegate.cli.commands.gc import gc as work  # noqa: PLC0415

    work(dry_run=dry_run, as_json=as_json)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One process, as in `tidegate status`. Default: all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines of each log to show first.")] = 20,
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="Id of a deployment: the log of its runner.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Write a JSON object a line: {"process": …, "line": …}.')
    ] = False,
) -> None:
    """Show the logs, each line with the name of its process."""
    from tidegate.cli.commands.logs import logs as work  # noqa: PLC0415

    work(name, follow=follow, lines=lines, deployment=deployment, as_json=as_json)


@app.command()
def topics(as_json: Json = False) -> None:
    """Create missing topics, update their settings, and report differences. Safe to repeat."""
    from tidegate.cli.commands.setup import topics as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command()
def migrate(as_json: Json = False) -> None:
    """Bring the tables of the registry and of ClickHouse to this version. Safe to repeat."""
    from tidegate.cli.commands.setup import migrate as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command()
def clickhouse(
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="SQL to run as the user `default`; `-` reads stdin.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how to reach ClickHouse: URL, users and passwords, a command to paste. Or run one query."""
    from tidegate.cli.commands.clickhouse import clickhouse as work  # noqa: PLC0415

    work(query, as_json=as_json)


@app.command()
def settings(as_json: Json = False) -> None:
    """List every setting: its environment variable, value, default and meaning. Secrets are not shown."""
    from tidegate.cli.commands.setup import list_settings as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command()
def deploy(
    path: Annotated[str, typer.Argument(help="Folder with a model file or a predict.py, and what belongs to it.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the model. Default: tidegate.toml's, or the folder's.")
    ] = None,
    preview: Annotated[
        str | None, typer.Option(help="Name of a branch: give it a URL of its own, and leave the traffic alone.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a model folder in a process of its own and switch the model's traffic to it."""
    from tidegate.cli.commands.deploy import deploy as work  # noqa: PLC0415

    work(path, name=name, preview=preview, as_json=as_json)


add_version_commands(app)
app.add_typer(github, name="github")


@app.command()
def models(as_json: Json = False) -> None:
    """List the models, their versions, and which one is live."""
    from tidegate.cli.commands.models import models as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command()
def environments(as_json: Json = False) -> None:
    """List the environments of models: packages, size, when each was used last, and by which versions."""
    from tidegate.cli.commands.environments import environments as work  # noqa: PLC0415

    work(as_json=as_json)


@app.command()
def jobs(
    model: Annotated[str | None, typer.Argument(help="Only the jobs of this model.")] = None,
    log: Annotated[int | None, typer.Option("--log", help="Show the log of the job with this number.")] = None,
    as_json: Json = False,
) -> None:
    """List the deployments that were pushed, newest first: what waits, runs, went live or failed, and why."""
    from tidegate.cli.commands.jobs import jobs as work  # noqa: PLC0415

    work(model, log=log, as_json=as_json)


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="Name of a live model.")],
    file: Annotated[str, typer.Argument(help="JSON, NDJSON, Parquet, or CSV with a header; `-` reads stdin.")],
    to: Annotated[str | None, typer.Option(help="Write rows and predictions to this .csv or .parquet file.")] = None,
    as_json: Json = False,
) -> None:
    """Send the rows of a file to a model, through the gateway, and show its predictions.

    Cells of a CSV file are read as what the model asks for. A file of any length is sent in parts that fit.
    """
    from tidegate.cli.commands.predict import predict as work  # noqa: PLC0415

    work(model, file, to=to, as_json=as_json)


@app.command()
def drift(
    model: Annotated[str, typer.Argument(help="Name of a model.")],
    window: Annotated[str | None, typer.Option(help="`1m`, `5m`, `1h` or `24h`. Default: all.")] = None,
    deployment: Annotated[
        str | None, typer.Option(help="Id of one of its deployments. Default: the one with the largest share.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every 2 seconds, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show the newest drift of each feature and prediction: PSI, its noise floor, state, and what moved."""
    from tidegate.cli.commands.drift import drift as work  # noqa: PLC0415

    work(model, window=window, deployment=deployment, watch=watch, as_json=as_json)


@app.command()
def alerts(
    every: Annotated[
        bool, typer.Option("--all", help="Those that were resolved too, and why; the newest first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the alerts that fire now, the oldest first."""
    from tidegate.cli.commands.drift import alerts as work  # noqa: PLC0415

    work(every=every, as_json=as_json)


@app.command()
def demo(
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Leave the stack up at the end (only on a terminal), or stop it.")
    ] = True,
    record: Annotated[Path | None, typer.Option(help="Write the last view to this SVG file.")] = None,
    quiet_rows: Annotated[int | None, typer.Option(min=1, help="Held-out rows to send. Default: all 5,227.")] = None,
    drift_rows: Annotated[int, typer.Option(min=1, help="Rows after the change to send.")] = 4000,
    rate: Annotated[float, typer.Option(min=1, help="Rows per second.")] = 250.0,
    as_json: Json = False,
) -> None:
    """Train and deploy a model of real data, send it live traffic, and watch a real change raise an alert."""
    from tidegate.cli.commands.demo import DemoArguments  # noqa: PLC0415
    from tidegate.cli.commands.demo import demo as work  # noqa: PLC0415

    work(DemoArguments(wait, as_json, record, quiet_rows, drift_rows, rate))
