"""Ends the stacks of a test run that was killed: `tidegate up` detaches them, so they would otherwise run for ever."""

import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from tidegate.parts.leftovers import end_all

_ROOT = Path(__file__).resolve().parents[2]
_ROUNDS = 10
"""What cannot be killed (in the kernel's own hands) is left, in place of waiting for it for ever."""


def reap_with_us(home: Path) -> None:
    """Whatever ends this process (kill -9 too) ends the stack of this home.

    A process of its own waits at a pipe that the kernel closes with us.
    """
    pipe = _reaper().stdin
    assert pipe is not None
    pipe.write(f"{home}\n".encode())
    pipe.flush()


def end_stack(home: str) -> bool:
    """Kill what runs of the stack of this home, its supervisor first: it starts what is killed again.

    Returns: whether anything ran.
    """
    supervisors = [process for process in psutil.process_iter() if _supervises(process, home)]
    for process in supervisors:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(supervisors, timeout=5)
    return bool(end_all(home)) or bool(supervisors)


def _supervises(process: psutil.Process, home: str) -> bool:
    with suppress(psutil.Error, OSError):
        return "tidegate.supervisor" in process.cmdline() and process.environ().get("TIDEGATE_HOME") == home
    return False


@cache
def _reaper() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.support.reaper"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=_ROOT, start_new_session=True)


if __name__ == "__main__":
    homes = sys.stdin.read().splitlines()
    for _ in range(_ROUNDS):  # again, for what a supervisor started meanwhile
        if not any([end_stack(home) for home in homes]):  # noqa: C419  every home, also after one that had something
            break
