"""A control group (version 2) for one runner: memory, processes and CPU, counted by the kernel. Needs root.

    python -I -S cgroup.py NAME LIMITS COMMAND…

makes the group, moves itself into it and becomes the command.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

MOUNT = Path("/sys/fs/cgroup")
PARENT = "tidegate"
NEEDED = ("memory", "pids")
PERIOD_US = 100_000
EXIT_SANDBOX = 4


def trouble(mount: Path = MOUNT) -> str:
    """Why control groups cannot be used; empty where they can."""
    if os.geteuid() != 0:
        return "control groups need root"
    try:
        available = (mount / "cgroup.controllers").read_text().split()
    except OSError:
        return f"there are no control groups of version 2 at {mount}"
    missing = [name for name in NEEDED if name not in available]
    if missing:
        return f"the control groups at {mount} have no controller {' and '.join(missing)}"
    try:
        _enable(mount, available)
        (mount / PARENT).mkdir(exist_ok=True)
        _enable(mount / PARENT, available)
    except OSError as error:
        return f"the control groups at {mount} cannot be changed: {error.strerror}"
    return ""


def files(memory_bytes: int, threads: int, cpus: float | None) -> dict[str, str]:
    """What is written into the group's files. Pure."""
    limits = {"memory.max": str(memory_bytes), "memory.swap.max": "0", "pids.max": str(threads)}
    if cpus is not None:
        limits["cpu.max"] = f"{int(cpus * PERIOD_US)} {PERIOD_US}"
    return limits


def join(name: str, limits: dict[str, str], mount: Path = MOUNT) -> Path:
    """Make the group and move this process into it; groups that are empty are removed on the way."""
    for other in (mount / PARENT).glob("*/"):
        with suppress(OSError):  # somebody runs in it
            other.rmdir()
    group = mount / PARENT / name
    group.mkdir(parents=True, exist_ok=True)
    for file, value in limits.items():
        with suppress(FileNotFoundError):  # no swap, or no controller for CPUs
            (group / file).write_text(value)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    return group


def out_of_memory(name: str, mount: Path = MOUNT) -> bool:
    """Whether the kernel has killed a process of this group because of its memory limit."""
    with suppress(OSError):
        events = dict(line.split() for line in (mount / PARENT / name / "memory.events").read_text().splitlines())
        return int(events.get("oom_kill", "0")) > 0
    return False


def main(arguments: list[str]) -> NoReturn:
    name, limits, *command = arguments
    try:
        join(name, json.loads(limits))
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"the control group cannot be set up: {error}", file=sys.stderr, flush=True)
        os._exit(EXIT_SANDBOX)


def _enable(group: Path, available: list[str]) -> None:
    control = group / "cgroup.subtree_control"
    enabled = control.read_text().split()
    for name in (*NEEDED, "cpu"):
        if name in available and name not in enabled:
            control.write_text(f"+{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
