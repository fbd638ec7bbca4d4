"""What a process gives up for good: its user, its capabilities, and the right to more than its limits."""

import ctypes
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path

from model_runner.sandbox.plan import OPEN_FILES, STACK_BYTES, THREADS

_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24
_SHARED_BYTES = 4 * 1000**3
"""Address space beyond the memory limit, for files that are mapped and what is only reserved (PyTorch: 600 MB)."""


def become(uid: int) -> None:
    """Change the user and the group to this number, for good. Needs root."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def die_with_parent() -> None:
    """After the last change of the user, which would take it back."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def drop_capabilities() -> None:
    """Of a root in a container, or in a user namespace: not even the rights that files do not need."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if libc.capset(header, struct.pack("=6I", *([0] * 6))) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capabilities cannot be dropped: {os.strerror(number)}")


def limit(memory_bytes: int, file_bytes: int) -> None:
    """Soft and hard alike.

    RLIMIT_DATA is what the memory limit means: pages that the process may write to, which neither its libraries nor
    what they reserve count for. What does not count and can be had (shared memory, stacks) the filter refuses.
    """
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_STACK: STACK_BYTES,
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = memory_bytes + _SHARED_BYTES
        limits[resource.RLIMIT_NPROC] = _threads_of(os.getuid()) + THREADS
        limits[resource.RLIMIT_MEMLOCK] = 0
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def use_cpus(cpus: float, spread: int) -> None:
    """Stay on so many CPUs, rounded up, beginning with the one that `spread` falls on."""
    if sys.platform != "linux":
        return
    available = sorted(os.sched_getaffinity(0))
    count = min(len(available), max(1, -int(-cpus // 1)))
    first = spread % len(available)
    os.sched_setaffinity(0, {available[(first + step) % len(available)] for step in range(count)})


def _threads_of(uid: int) -> int:
    """Of all processes of this user that can be seen: the kernel counts them against one limit."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # it ended meanwhile
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if int(fields["Uid"].split()[0]) == uid:
                count += int(fields["Threads"])
    return count
