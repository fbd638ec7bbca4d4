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
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 1, 8, 24, 47
_AMBIENT_RAISE = 2
_SHARED_BYTES = 4 * 1000**3
"""Address space beyond the memory limit, for files that are mapped and what is only reserved (PyTorch: 600 MB)."""


CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
_CAP_KILL, _CAP_SETGID, _CAP_SETUID = 5, 6, 7


def reading_capability(status: Path = Path("/proc/self/status")) -> int | None:
    """What lets a user of its own read files that only root may, where this process may also start and end one.

    Where nothing but Landlock confines a process it sees the machine's own folders, of which some are only root's. None
    where this process is not root, or not enough of one.
    """
    try:
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        held = int(fields["CapEff"], 16)
    except (OSError, KeyError, ValueError):
        return None
    if os.geteuid() != 0 or not all(held >> needed & 1 for needed in (_CAP_KILL, _CAP_SETGID, _CAP_SETUID)):
        return None
    return next((each for each in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if held >> each & 1), None)


def become(uid: int, keep: int | None = None) -> None:
    """Change the user and the group to this number, for good. Needs root.

    Args:
        keep: a capability that `drop_capabilities` is going to keep.
    """
    if keep is not None:
        ctypes.CDLL(None).prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def die_with_parent() -> None:
    """After the last change of the user, which would take it back."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def drop_capabilities(keep: int | None = None) -> None:
    """Of a root in a container, or in a user namespace: not even the rights that files do not need.

    Args:
        keep: one that stays, also in what is executed later.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    kept = 0 if keep is None else 1 << keep
    done = libc.capset(header, struct.pack("=6I", kept, kept, kept, 0, 0, 0))
    if done == 0 and keep is not None:
        done = libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, keep, 0, 0)
    if done != 0:
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
