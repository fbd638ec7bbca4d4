"""Watching a process from outside: its metrics, its processor time, the core that it runs on."""

import os
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import psutil

POLL_S = 0.05
"""A scrape costs the process about a millisecond."""


def metric(port: int, name: str) -> float:
    """One sample of /metrics, named as it stands there with its labels; 0 while it or the process is not there."""
    with suppress(OSError):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)
    return 0.0


def is_ready(port: int) -> bool:
    """Whether /readyz says so."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
        return bool(answer.status == HTTPStatus.OK)
    return False


def cpu_seconds(pid: int) -> float:
    """Processor time, user and system, of all threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def pin(pid: int, cores: set[int]) -> None:
    """Keep all threads of a process on these cores, where the system can do it."""
    if not hasattr(os, "sched_setaffinity") or not cores:
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), cores)


def split_cores() -> tuple[set[int], set[int]]:
    """One core for what is measured, the others for what serves it; two empty sets where there is no choice."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return ({cores[-1]}, set(cores[:-1])) if len(cores) > 1 else (set(), set())


@dataclass(frozen=True)
class Progress:
    """How fast a counter went to its end."""

    counted: float
    """What was counted between the beginning and the end."""
    seconds: float
    cpu_s: float
    """Of the process, in that time."""

    @property
    def per_second(self) -> float:
        return self.counted / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.counted / self.cpu_s


def watch(
    pid: int,
    count: Callable[[], float],
    wanted: float,
    deadline_s: float,
    begun: Callable[[], bool] | None = None,
) -> Progress:
    """From the moment at which `begun` is true, or the counter is seen to have moved, until it reaches `wanted`.

    Raises:
        TimeoutError: it did not get there within `deadline_s` seconds.
    """
    end = time.monotonic() + deadline_s
    while not (first := count()) and not (begun and begun()):
        _pause(end, first, wanted)
    start, cpu = time.monotonic(), cpu_seconds(pid)
    while (seen := count()) < wanted:
        _pause(end, seen, wanted)
    return Progress(seen - first, time.monotonic() - start, cpu_seconds(pid) - cpu)


def _pause(end: float, seen: float, wanted: float) -> None:
    if time.monotonic() > end:
        raise TimeoutError(f"{seen:,.0f} of {wanted:,.0f} in the time there was")
    time.sleep(POLL_S)
