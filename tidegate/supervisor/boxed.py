"""The process that counts within a sandbox: bubblewrap starts a second one of itself, and that the runner."""

from contextlib import suppress

import psutil

_BOX = "bwrap"


def inner_pid(pid: int) -> int:
    """Of the runner in the sandbox `pid`; that itself while there is none within."""
    with suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            if process.name() != _BOX:
                return process.pid
    return pid
