"""What a confined process may see and take. Pure: the ways to hold it to that are in `bubblewrap.py` and `entry.py`."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from model_runner.limits import DEFAULT_LIMITS, Limits

PRIVATE_TMP_BYTES = 64 * 1000**2
"""Of the /tmp that bubblewrap makes, and of any file: it is memory that rlimits do not count."""
SHARED_MEMORY_BYTES = 1000**2
"""Of its /dev/shm: room for semaphores, which some libraries make when they are imported."""
UNCONFINED_FILE_BYTES = 1000**3
"""Of a file where there is no sandbox."""
OPEN_FILES = 256
"""Each socket holds up to 400 kB in the kernel, which no limit counts."""
STACK_BYTES = 8 * 1024**2
"""Of the main thread, which no other limit counts; what Linux gives by default."""
THREADS = 256
"""Beside those that the same user runs already, where the kernel counts these too."""

SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/nix/store",
)
"""Shared libraries and time zones. Of the programs of this machine there are none."""
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/usr/share/ca-certificates")
KERNEL = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")
"""For Landlock; bubblewrap makes a /proc of its own."""
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
"""Not /dev/zero: what is mapped of it is memory that no limit counts."""


class Mechanism(StrEnum):
    """How a process is confined."""

    BUBBLEWRAP = "bubblewrap"
    """A file system, process tree and network of its own, and all that Landlock's processes get."""
    LANDLOCK = "landlock"
    """The machine's file system, all but a few folders of it refused; system calls filtered; limits."""
    NONE = "none"
    """Limits alone."""


@dataclass(frozen=True)
class Confinement:
    """How one process is confined."""

    mechanism: Mechanism
    limits: Limits = DEFAULT_LIMITS
    network: bool = False
    bwrap: str | None = None
    """Path of bubblewrap."""
    uid: int | None = None
    """User (and group) that it becomes; None where only root could do that."""
    keep_capability: int | None = None
    """What lets that user read files that are only root's, where nothing but Landlock says which."""
    cgroup: str | None = None
    """Name of its control group; None where control groups cannot be used."""
    remarks: tuple[str, ...] = ()
    """What of it is missing here and why: told in the runner's log."""
    marks: tuple[tuple[str, str], ...] = ()
    """Environment variables by which whoever started it finds it again."""


@dataclass(frozen=True)
class View:
    """What it may see of the file system: the same paths inside as outside. It may write to none of them."""

    readable: tuple[Path, ...]


@dataclass(frozen=True)
class Orders:
    """What `entry.py` does before the model's Python starts; handed over as an argument."""

    mechanism: str
    uid: int | None
    keep_capability: int | None
    memory_bytes: int
    file_bytes: int
    cpus: float | None
    network: bool
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    remarks: tuple[str, ...]

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


def orders(confinement: Confinement, view: View) -> Orders:
    """For the process that `view` belongs to."""
    landlock = confinement.mechanism is Mechanism.LANDLOCK
    readable = [*SYSTEM, *KERNEL, *(NETWORK_FILES if confinement.network else ()), *map(str, view.readable)]
    return Orders(
        mechanism=confinement.mechanism,
        uid=confinement.uid,
        keep_capability=confinement.keep_capability,
        memory_bytes=confinement.limits.memory_bytes,
        file_bytes=UNCONFINED_FILE_BYTES if confinement.mechanism is Mechanism.NONE else PRIVATE_TMP_BYTES,
        cpus=None if confinement.cgroup else confinement.limits.cpus,
        network=confinement.network,
        readable=tuple(readable) if landlock else (),
        writable=DEVICES if landlock else (),
        remarks=confinement.remarks,
    )


def environment(confinement: Confinement) -> dict[str, str]:
    """All that it gets of an environment: nothing of ours, so no secrets."""
    threads = str(confinement.limits.threads)
    return {
        "PATH": "/usr/bin:/bin",
        # With Landlock nobody lets it in: what may be written there could fill the disk.
        "HOME": "/tmp",  # noqa: S108
        "TMPDIR": "/tmp",  # noqa: S108
        "USER": "model",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        # No processes may be started, and joblib says so with a warning unless it knows.
        "JOBLIB_MULTIPROCESSING": "0",
        **dict(confinement.marks),
    }
