"""Finds processes of a stack whose supervisor did not live to stop them, by a mark in their environment."""

from contextlib import suppress

import psutil

MARK = "TIDEGATE_STACK"
"""Environment variable that every process of a stack carries; its value is the stack's home."""


def members(home: str) -> list[psutil.Process]:
    """Every process that carries the mark of this home, whoever its parent is."""
    return [process for process in psutil.process_iter() if _carries(process, home)]


def _carries(process: psutil.Process, home: str) -> bool:
    with suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == home and process.status() != psutil.STATUS_ZOMBIE
    return False


def end_all(home: str, deadline_s: float = 5.0) -> list[int]:
    """Kill every process of this home's stack; their pids."""
    found = members(home)
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=deadline_s)
    return [process.pid for process in found]
