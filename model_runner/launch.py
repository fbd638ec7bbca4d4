"""How a runner process is started: the one place that knows its command line."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunnerPython:
    """An interpreter that can run a runner."""

    executable: Path
    options: tuple[str, ...] = ()
    entry: tuple[str, ...] = ("-m", "model_runner")
    """What starts the runner: the installed module, or a folder that holds nothing but it."""


HOST_PYTHON = RunnerPython(Path(sys.executable))
"""Tidegate's own environment."""


@dataclass(frozen=True)
class Launch:
    argv: tuple[str, ...]
    env: dict[str, str] | None = None
    """The whole environment of the process; None: that of whoever starts it."""


def runner_command(folder: Path, socket: Path, deployment_id: str, *, python: RunnerPython = HOST_PYTHON) -> Launch:
    """The command that serves a model folder on a Unix socket."""
    arguments = ("--folder", str(folder), "--socket", str(socket), "--deployment", deployment_id)
    return Launch((str(python.executable), *python.options, *python.entry, *arguments))
