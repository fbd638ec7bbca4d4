"""`tidegate logs`: the logs of all processes, each line with its process's name."""

import difflib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from model_runner.plain_text import printable
from tidegate.cli.context import load_settings
from tidegate.cli.exits import CliError, Exit
from tidegate.parts.names import RUNNER_PREFIX
from tidegate.settings import Settings
from tidegate.supervisor.logs import log_path, tail

POLL_S = 0.2


Show = Callable[[str, str], None]
"""Given a process and a line of its log."""


def logs(name: str | None, *, follow: bool, lines: int, deployment: str | None, as_json: bool) -> None:
    settings = load_settings()
    show = _print_json if as_json else _print
    if deployment is not None:
        if name is not None:
            raise CliError("Name a process or a deployment, not both.", Exit.USAGE)
        name = _log_of(settings, deployment)
    if follow:
        follow_logs(settings, name, lines, until=lambda: False, show=show)
        return
    for path in _paths(settings, name):
        for line in tail(path, lines, max_bytes=4_000_000) if lines else []:
            show(path.stem, line)


def _print(name: str, line: str) -> None:
    # A model prints what it likes; its colours are lost with the rest.
    sys.stdout.write(f"{name:<12} | {printable(line)}\n")
    sys.stdout.flush()


def _print_json(name: str, line: str) -> None:
    sys.stdout.write(json.dumps({"process": name, "line": line}) + "\n")
    sys.stdout.flush()


def _log_of(settings: Settings, deployment: str) -> str:
    """Raises CliError where its runner never wrote one."""
    name = f"{RUNNER_PREFIX}{deployment}"
    if not log_path(settings.logs_path, name).exists():
        known = [path.stem.removeprefix(RUNNER_PREFIX) for path in settings.logs_path.glob(f"{RUNNER_PREFIX}*.log")]
        near = difflib.get_close_matches(deployment, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See `tidegate deployments MODEL --all`."
        raise CliError(f"There is no log of a deployment {deployment!r}. {hint}", Exit.UNKNOWN)
    return name


def follow_logs(
    settings: Settings, name: str | None, lines: int, until: Callable[[], bool], show: Show = _print
) -> None:
    """Show what comes, until `until` says so; logs of processes that start meanwhile too."""
    readers: dict[Path, _Reader] = {}
    first = True
    while True:
        done = until()
        for path in _paths(settings, name):
            if path not in readers:
                readers[path] = _Reader(path, lines if first else None, show)
            readers[path].show()
        if done:
            return
        first = False
        time.sleep(POLL_S)


class _Reader:
    """Reads on where it was; from the start again when the log was rotated."""

    def __init__(self, path: Path, last_lines: int | None, show: Show) -> None:
        self._name = path.stem
        self._path = path
        self._show = show
        self._file: IO[bytes] = path.open("rb")
        self._rest = b""
        if last_lines is not None:
            for line in tail(path, last_lines) if last_lines else []:
                show(self._name, line)
            self._file.seek(0, 2)

    def show(self) -> None:
        self._read()
        if self._was_replaced():
            # What was still written to the old one has been read.
            self._file.close()
            self._file = self._path.open("rb")
            self._read()

    def _was_replaced(self) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False  # between two names

    def _read(self) -> None:
        size = self._file.seek(0, 1)
        if self._file.seek(0, 2) < size:
            size = 0
        self._file.seek(size)
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in whole:
            self._show(self._name, line.decode(errors="replace"))


def _paths(settings: Settings, name: str | None) -> list[Path]:
    found = sorted(settings.logs_path.glob("*.log"))
    if name is None:
        return found
    chosen = [path for path in found if path.stem == name]
    if not chosen:
        known = ", ".join(path.stem for path in found) or "none yet: start the stack with `tidegate up`"
        raise CliError(f"There is no log of {name!r}. Logs: {known}.", Exit.USAGE)
    return chosen
