"""How a process that touches a model is started: its command line and its whole environment."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from model_runner.sandbox import bubblewrap, cgroup
from model_runner.sandbox.plan import THREADS, Confinement, Mechanism, View, environment, orders
from model_runner.sandbox.python_folders import PACKAGE, python_folders

_ENTRY = str(PACKAGE / "sandbox" / "entry.py")
_CGROUP = str(PACKAGE / "sandbox" / "cgroup.py")
_TRUSTED = (sys.executable, "-I", "-S")
"""Python without any package that a model's environment could have brought."""


@dataclass(frozen=True)
class RunnerPython:
    """An interpreter that can run a runner."""

    executable: Path
    options: tuple[str, ...] = ("-P",)
    entry: tuple[str, ...] = ("-m", "model_runner")
    """What starts the runner: the installed module, or a folder that holds nothing but it."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """What a process must be able to read to be one."""
        own_copy = () if self.entry[0] == "-m" else (Path(self.entry[0]),)
        return (*python_folders(self.executable), *own_copy)


HOST_PYTHON = RunnerPython(Path(sys.executable))
"""Tidegate's own environment."""
_READER = RunnerPython(Path(sys.executable), entry=("-m", "model_runner.folder.own_files"))
_SCANNER = RunnerPython(Path(sys.executable), entry=("-m", "model_runner.scan"))


@dataclass(frozen=True)
class Launch:
    """What to execute, and with which environment."""

    argv: tuple[str, ...]
    env: dict[str, str]


def runner_command(
    folder: Path,
    deployment_id: str,
    *,
    python: RunnerPython = HOST_PYTHON,
    confinement: Confinement,
    arguments: tuple[str, ...] = (),
) -> Launch:
    """The process that serves a model folder on the socket that it gets as its standard input (`listening.py`).

    Args:
        python: the interpreter of the model's environment; our own by default.
        arguments: more for `python -m model_runner`.
    """
    told = ["--folder", str(folder), "--inherited-socket", "--deployment", deployment_id, *arguments]
    for option, seconds in (
        ("--load-s", confinement.limits.load_seconds),
        ("--predict-s", confinement.limits.predict_seconds),
    ):
        told += [] if seconds is None else [option, f"{seconds:g}"]
    return confined(python, tuple(told), folder, confinement=confinement)


def scan_command(folder: Path, *, confinement: Confinement) -> Launch:
    """The process that looks through the pickles of a model folder."""
    return confined(_SCANNER, ("--folder", str(folder)), folder, confinement=confinement)


def reading_command(folder: Path, *, confinement: Confinement) -> Launch:
    """The process that reads the data files of a model folder, and writes what they say to its standard output."""
    return confined(_READER, ("--folder", str(folder)), folder, confinement=confinement)


def confined(python: RunnerPython, arguments: tuple[str, ...], folder: Path, *, confinement: Confinement) -> Launch:
    """A Python that may read `folder` and what belongs to it, and little else."""
    view = View((folder, *HOST_PYTHON.folders, *python.folders))
    command = (str(python.executable), *python.options, *python.entry, *arguments)
    argv: tuple[str, ...] = (*_TRUSTED, _ENTRY, orders(confinement, view).text(), *command)
    if confinement.mechanism is Mechanism.BUBBLEWRAP:
        argv = bubblewrap.command(confinement, view, argv)
    if confinement.cgroup is not None:
        argv = (*_TRUSTED, _CGROUP, confinement.cgroup, json.dumps(_group_files(confinement)), *argv)
    return Launch(argv, environment(confinement))


def _group_files(confinement: Confinement) -> dict[str, str]:
    limits = confinement.limits
    return cgroup.files(limits.memory_bytes, THREADS, limits.cpus)
