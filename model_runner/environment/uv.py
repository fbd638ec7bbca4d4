"""uv as a process: found in Tidegate's own environment, given what pip knows of indexes, heard line by line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer

from model_runner.environment.errors import EnvironmentBuildError
from model_runner.environment.index_settings import uv_environment, without_credentials
from model_runner.environment.pip_config import pip_config

Tell = Callable[[str], None]
"""Is told each step of a build as one line for people."""
_SHOWN = ("Downloading ", "Prepared ", "Installed ")


@dataclass(frozen=True)
class Finished:
    code: int
    lines: tuple[str, ...]
    """What it wrote, without credentials."""


def find_uv() -> str:
    """Raises EnvironmentBuildError where it is not installed."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise EnvironmentBuildError("uv is not installed beside Tidegate: install Tidegate again, or `pip install uv`")
    return found


def run_uv(
    arguments: Sequence[str], cwd: Path, cache: Path, tell: Tell, timeout_s: float, lock: int | None = None
) -> Finished:
    """Run uv to its end.

    Args:
        cwd: uv reads configuration there and above: never a folder with a model's files.
        cache: uv's own.
        lock: file descriptor that the process inherits, so that the lock outlives us if we are killed.

    Raises:
        EnvironmentBuildError: it is missing, or took too long.
    """
    extra = {"UV_CACHE_DIR": str(cache), "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    env = {**uv_environment(os.environ, pip_config()), **extra}
    if "compile" not in arguments:
        # Constraints are for resolving; a list with hashes admits no line without.
        env.pop("UV_CONSTRAINT", None)
    return listen([find_uv(), *arguments], cwd, env, tell, timeout_s, lock)


def listen(
    command: Sequence[str], cwd: Path, env: dict[str, str], tell: Tell, timeout_s: float, lock: int | None = None
) -> Finished:
    """Run a command and hand on the lines that say how far it is.

    Raises:
        EnvironmentBuildError: it took too long.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=() if lock is None else (lock,),
    ) as process:
        timed_out = Event()

        def give_up() -> None:
            timed_out.set()
            process.kill()

        timer = Timer(timeout_s, give_up)
        timer.start()
        try:
            for line in process.stderr or ():
                lines.append(without_credentials(line.rstrip()))
                if line.startswith(_SHOWN):
                    tell(lines[-1])
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
    if timed_out.is_set() and code < 0:
        fix = "See whether the package index answers, or raise TIDEGATE_ENVIRONMENT_TIMEOUT_S"
        raise EnvironmentBuildError(f"{Path(command[0]).name} took longer than {timeout_s:g} s. {fix}")
    return Finished(code, tuple(lines))
