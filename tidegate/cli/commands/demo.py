"""`tidegate demo`: the stack, the example, live traffic, and what came of it."""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tidegate
from tidegate.cli.commands.deploy import deploy_config
from tidegate.cli.context import load_settings
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import print_json
from tidegate.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from tidegate.demo.demo import Run
    from tidegate.demo.receiver import Receiver
    from tidegate.demo.stack import DemoStack

HELD_OUT_ROWS = 5227
START_S = 20
"""Of the stack, the training and the deployment, on two cores."""
EXAMPLE = Path(tidegate.__file__).resolve().parent.parent / "examples" / "electricity"


@dataclass(frozen=True)
class DemoArguments:
    """As given on the command line."""

    wait: bool
    as_json: bool
    record: Path | None
    quiet_rows: int | None
    drift_rows: int
    rate: float


def demo(arguments: DemoArguments) -> None:
    from tidegate.cli.calm_console import CalmConsole  # noqa: PLC0415
    from tidegate.demo.stack import StackUnusableError, open_receiver  # noqa: PLC0415
    from tidegate.demo.training import DemoError  # noqa: PLC0415
    from tidegate.deployer import DeployError  # noqa: PLC0415

    settings = load_settings()
    console = CalmConsole(stderr=arguments.as_json)
    try:
        with open_receiver(settings) as receiver:
            found = _demo(settings, arguments, receiver, console)
    except (StackUnusableError, DemoError, DeployError) as error:
        raise CliError(str(error)) from error
    if arguments.as_json:
        print_json(found)
    if found["problems"]:
        raise CliError("The demo did not show what it should:\n" + "\n".join(found["problems"]), Exit.FAILED)


def _demo(settings: Settings, arguments: DemoArguments, receiver: "Receiver", console: "Console") -> dict[str, Any]:
    """Run it; the stack that it started is stopped at the end where nobody stays to look at it, and after Ctrl-C."""
    from tidegate.demo.stack import bring_up, take_down  # noqa: PLC0415
    from tidegate.demo.training import finish_training, start_training  # noqa: PLC0415

    began = time.monotonic()
    if not arguments.as_json:
        console.print(opening(arguments), highlight=False)
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
        training = start_training(EXAMPLE, Path(folder))
        stack, keep = None, arguments.wait and sys.stdout.isatty()
        try:
            stack = bring_up(settings, receiver, quiet=arguments.as_json)
            started = time.monotonic() - began
            console.print(finish_training(training), style="dim", highlight=False)
            run = _run(settings, arguments, receiver, Path(folder), console)
            run.seconds = {"start": started, **run.seconds, "verdict": time.monotonic() - began}
            found = _tell(run, arguments, stack, console, kept=keep or not stack.started)
        except KeyboardInterrupt:
            keep = False
            raise
        finally:
            training.kill()
            training.wait()
            if stack is not None and stack.started and not keep:
                take_down(quiet=arguments.as_json)
    found["seconds"]["total"] = round(time.monotonic() - began, 2)
    return found


def opening(arguments: DemoArguments) -> str:
    """What will happen, and how long it takes."""
    quiet = arguments.quiet_rows or HELD_OUT_ROWS
    seconds = START_S + (quiet + arguments.drift_rows) / arguments.rate
    return (
        f"In about {seconds:.0f} s: a stack starts, a model of a real electricity market is deployed to it, "
        f"{quiet:,} rows that it never saw are sent (nothing may fire), then {arguments.drift_rows:,} after a real "
        "change of the market, until the alert is delivered. Ctrl-C ends it and stops the stack."
    )


def _run(settings: Settings, arguments: DemoArguments, receiver: "Receiver", work: Path, console: "Console") -> "Run":
    from tidegate.demo.demo import Plan, run  # noqa: PLC0415
    from tidegate.demo.screen import record  # noqa: PLC0415

    plan = Plan(arguments.quiet_rows, arguments.drift_rows, arguments.rate)
    done = run(settings, deploy_config(settings), receiver, work, plan, console)
    if arguments.record is not None:
        record(done.state, arguments.record)
    return done


def _tell(
    run: "Run", arguments: DemoArguments, stack: "DemoStack", console: "Console", *, kept: bool
) -> dict[str, Any]:
    """Say what came of it; the same as a JSON value."""
    from tidegate.demo.summary import summary  # noqa: PLC0415

    found = {**summary(run), "stack": "running" if kept else "stopped", "urls": stack.urls}
    if arguments.as_json:
        return found
    _tell_alert(found, console)
    if found["ok"]:
        console.print(_success(found), highlight=False, markup=False)
    if kept:
        for name, url in stack.urls.items():
            console.print(f"  {name:<11}{url}", highlight=False)
        console.print("The stack stays up: `tidegate drift electricity` looks again, `tidegate down` stops it.")
    return found


def _tell_alert(found: dict[str, Any], console: "Console") -> None:
    if found["alert"] is not None:
        after = f"{found['alert']['after_s']:.1f} s after the first changed row was sent"
        console.print(f"\nThe alert as the receiver got it, {after}:", style="bold", highlight=False)
        console.print_json(json.dumps(found["alert"]["body"]))


def _success(found: dict[str, Any]) -> str:
    rows, bare = found["rows"], found["bare_psi"]
    fired = ", ".join(f"{name} after {one['after_s']:.1f} s" for name, one in found["fired"].items())
    scores = f" (and {', '.join(found['predictions_fired'])})" if found["predictions_fired"] else ""
    return (
        f"\nOn {rows['quiet']:,} held-out rows nothing fired; a bare PSI > {bare['threshold']} would have fired "
        f"{bare['alarms']} times in {bare['windows']} windows of {bare['rows']} rows (up to {bare['highest']:.2f}).\n"
        f"After the change fired: {fired}{scores}.\n"
        f"{found['stored']['events']:,} events are stored, each prediction once; the histograms are "
        f"{found['histograms']}. {found['seconds']['verdict']:.0f} s in all."
    )
