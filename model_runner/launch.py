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
class Launch:
    """What to execute, and with which environment; None inherits."""

    argv: tuple[str, ...]
    env: dict[str, str] | None


def runner_command(
    folder: Path,
    socket: Path,
    deployment_id: str,
    *,
    python: Path | None = None,
    confinement: Confinement,
    arguments: tuple[str, ...] = (),
) -> Launch:
    """The process that serves a model folder.

    Args:
        socket: lies in a folder of its own, which the process may write to.
        python: of the model's environment; this one by default.
        arguments: more for `python -m model_runner`.
    """
    told = ["--folder", str(folder), "--socket", str(socket), "--deployment", deployment_id, *arguments]
    for option, seconds in (
        ("--load-s", confinement.limits.load_seconds),
        ("--predict-s", confinement.limits.predict_seconds),
    ):
        told += [] if seconds is None else [option, f"{seconds:g}"]
    return confined("model_runner", tuple(told), folder, socket.parent, python=python, confinement=confinement)


def scan_command(folder: Path, scratch: Path, *, confinement: Confinement) -> Launch:
    """The process that looks through the pickles of a model folder."""
    return confined("model_runner.scan", ("--folder", str(folder)), folder, scratch, confinement=confinement)


def confined(
    module: str,
    arguments: tuple[str, ...],
    folder: Path,
    writable: Path,
    *,
    python: Path | None = None,
    confinement: Confinement,
) -> Launch:
    """`python -m module` that may read `folder` and its Python, write to `writable`, and little else."""
    python = python or Path(sys.executable)
    view = View((folder, *python_folders(Path(sys.executable)), *python_folders(python)), writable)
    inner = (*_TRUSTED, _ENTRY, orders(confinement, view).text(), str(python), "-P", "-m", module, *arguments)
    argv = inner
    if confinement.mechanism is Mechanism.BUBBLEWRAP:
        argv = bubblewrap.command(confinement, view, inner)
    if confinement.cgroup is not None:
        argv = (*_TRUSTED, _CGROUP, confinement.cgroup, json.dumps(_group_files(confinement)), *argv)
    return Launch(argv, environment(confinement, view))


def _group_files(confinement: Confinement) -> dict[str, str]:
    limits = confinement.limits
    return cgroup.files(limits.memory_bytes, THREADS, limits.cpus)
