"""`tidegate up` and `tidegate down`."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from gateway.edge.token import TokenError, load_or_make
from model_runner.disk.space import free_mb, no_room
from tidegate.cli.checklist import Checklist
from tidegate.cli.commands.logs import follow_logs
from tidegate.cli.context import load_settings, warn
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import console, print_json
from tidegate.die_with_parent import die_with_parent
from tidegate.parts.leftovers import end_all
from tidegate.parts.state import Phase, StackState, is_locked, read_state, running_state
from tidegate.settings import Settings
from tidegate.supervisor.logs import log_path, tail
from tidegate.supervisor.plan import SUPERVISOR

POLL_S = 0.1
LEAST_MB = 20
"""Without so much room a stack cannot even say what is wrong: it writes logs, its state and two databases."""
EMBEDDED_WARNING = (
    "The embedded broker keeps its records in memory: right for a laptop and for tests, never for production "
    "(TIDEGATE_KAFKA_BOOTSTRAP)."
)


def up(*, foreground: bool, as_json: bool) -> None:
    settings = load_settings()
    running = running_state(settings.run_path)
    if running is not None:
        _found_running(settings, running, as_json)
        return
    _require_room(settings)
    supervisor = _spawn(settings, detached=not foreground)
    try:
        state = _await_start(settings, supervisor, quiet=as_json)
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise
    if as_json:
        print_json({"already_running": False, "token_file": str(settings.token_path), **msgspec.to_builtins(state)})
    else:
        _print_urls(settings, state)
    if foreground:
        _stay(settings, supervisor)


def down(*, now: bool, as_json: bool) -> None:
    settings = load_settings()
    state = running_state(settings.run_path)
    if state is not None:
        if not now:
            # Loaded here, with an HTTP client: `tidegate up` asks nobody.
            from tidegate.cli.unlanded import require_room_to_land  # noqa: PLC0415

            require_room_to_land(settings)
        _signal(state.pid, signal.SIGKILL if now else signal.SIGTERM)
        _await_stop(settings, state, quiet=as_json or now)
    left = end_all(str(settings.home_path))
    if as_json:
        print_json({"was_running": state is not None, "ended": left})
    elif state is None and not left:
        console().print("The stack is not running.")
    else:
        killed = f" {len(left)} processes were left over and were killed." if left else ""
        console().print(f"The stack is stopped.{killed}")
    _report_killed(settings, now)


def _report_killed(settings: Settings, now: bool) -> None:
    last = read_state(settings.run_path)
    if last is None or now:
        return
    killed = [part for part in last.parts if "killed" in part.detail or "drained" in part.detail]
    for part in killed:
        warn(f"{part.name} {part.detail}: see {part.log}; TIDEGATE_STOP_TIMEOUT_S gives it longer")
    if killed:
        raise SystemExit(Exit.FAILED)


def _require_room(settings: Settings) -> None:
    """Raises CliError: nothing could be written, also not what went wrong."""
    free = free_mb(settings.home_path)
    if free < LEAST_MB:
        raise CliError(f"The stack was not started: it needs {LEAST_MB} MB, and {no_room(None, settings.home_path)}.")


def _spawn(settings: Settings, *, detached: bool) -> subprocess.Popen[bytes]:
    settings.logs_path.mkdir(parents=True, exist_ok=True)
    settings.run_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _log_file(settings).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tidegate.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=detached,
            preexec_fn=None if detached else die_with_parent(),  # noqa: PLW1509
        )


def _log_file(settings: Settings) -> Path:
    return log_path(settings.logs_path, SUPERVISOR)


def _await_start(settings: Settings, supervisor: subprocess.Popen[bytes], *, quiet: bool) -> StackState:
    """Show the parts until all are ready.

    Raises:
        CliError: the stack failed to start.
    """
    with Checklist(enabled=not quiet) as checklist:
        while True:
            ended = supervisor.poll() is not None
            state = read_state(settings.run_path)
            if state is not None and state.pid == supervisor.pid:
                checklist.show(state)
                if state.phase is Phase.RUNNING:
                    return state
                if ended:
                    raise CliError(f"The stack did not start. {state.error or _tail(settings)}")
            elif ended:
                raise CliError(f"The stack did not start; the end of {_log_file(settings)}:\n{_tail(settings)}")
            time.sleep(POLL_S)


def _await_stop(settings: Settings, begun: StackState, *, quiet: bool) -> None:
    with Checklist(enabled=not quiet, begun=begun) as checklist:
        is_over = False
        while not is_over:
            # Looked at before the state is read: the last of the parts stop together with the supervisor.
            is_over = not (is_locked(settings.run_path) and psutil.pid_exists(begun.pid))
            state = read_state(settings.run_path)
            if state is not None:
                checklist.show(state)
            if not is_over:
                time.sleep(POLL_S)


def _found_running(settings: Settings, state: StackState, as_json: bool) -> None:
    if as_json:
        print_json({"already_running": True, "token_file": str(settings.token_path), **msgspec.to_builtins(state)})
        return
    console().print(f"The stack of {settings.home_path} is {state.phase} already (supervisor pid {state.pid}).")
    _print_urls(settings, state)


def _print_urls(settings: Settings, state: StackState) -> None:
    out = console()
    for name, url in state.urls.items():
        out.print(f"  {name:<11}{url}", highlight=False)
    out.print(f"  {'token':<11}{_token(settings)}", highlight=False, markup=False)
    for warning in state.warnings:
        warn(warning)
    if settings.kafka_bootstrap is None:
        out.print(EMBEDDED_WARNING, style="dim")
    out.print("Stop it with `tidegate down`; `tidegate status` and `tidegate logs -f` show how it is.", style="dim")


def _token(settings: Settings) -> str:
    """Of the management API and of git; the gateway made it when it started."""
    try:
        return f"{load_or_make(settings.token_path).reveal()}  ({settings.token_path})"
    except TokenError as error:
        return str(error)


def _stay(settings: Settings, supervisor: subprocess.Popen[bytes]) -> None:
    """Show the logs until a signal or the end of the supervisor."""

    def stop(_number: int, _frame: object) -> None:
        supervisor.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    follow_logs(settings, None, lines=0, until=lambda: supervisor.poll() is not None)
    code = supervisor.wait()
    if code:
        last = read_state(settings.run_path)
        raise CliError((last.error if last else None) or _tail(settings))


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _tail(settings: Settings) -> str:
    return "\n".join(tail(_log_file(settings)))
