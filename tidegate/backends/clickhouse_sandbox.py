"""The sandbox of the embedded ClickHouse: its folder, what Python and the engine are made of, its one socket.

SQL is a language in which files are read and addresses are called, and the engine was not made to be kept from it. So
the process gives the rights up, by the means that confine models: Landlock for files, sockets and signals, seccomp for
connections, other processes and other programs. Applied by the process itself, after it has bound its port and before
the engine's threads exist: threads that are there already would not be bound.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import gateway
import storage
import stream
import tidegate
import web
from model_runner.sandbox import landlock, seccomp
from model_runner.sandbox.plan import DEVICES, SYSTEM
from model_runner.sandbox.python_folders import python_folders
from model_runner.sandbox.syscalls import ARCHITECTURES
from tidegate.settings import Settings

_PACKAGES = (gateway, storage, stream, tidegate, web)
_ALLOWED = frozenset({"utimensat", "chmod", "fchmodat", "fchmodat2", "truncate", "setpriority"})
"""The engine sets times and rights of its files, cuts those of `Log` tables, and merges at a lower priority."""
_TEMPORARY = ".temporary"
_KERNEL = (
    *(
        f"/proc/self/{name}"
        for name in ("statm", "stat", "status", "io", "limits", "maps", "cgroup", "mountinfo", "fd")
    ),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory", "/proc/self/auxv"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage"),
)
"""What the engine measures itself by. Not all of /proc/self: its `environ` holds the passwords.

Without `auxv` it looks for the kernel's vector behind the environment, where that was when the process began. Python
has moved the environment since, so it takes what lies there on the heap for addresses, and crashes at some of it.
"""


def trouble() -> str | None:
    """Why this machine cannot confine the process; None where it can."""
    if sys.platform != "linux":
        return f"there is no Landlock on {sys.platform}"
    if os.uname().machine not in ARCHITECTURES:
        return f"its system calls on {os.uname().machine} are not known here"
    return None if landlock.version() else "this kernel has no Landlock (Linux 5.13 and later, if it is switched on)"


def standing_warnings(settings: Settings) -> tuple[str, ...]:
    """What `tidegate status` says for as long as the stack runs."""
    missing = None if settings.clickhouse_url is not None else trouble()
    if missing is None:
        return ()
    return (f"The embedded ClickHouse runs without a sandbox: {missing}. Its password and grants alone protect it.",)


def confine(folder: Path) -> None:
    """Bind this process for ever.

    Raises:
        OSError: the kernel refuses.
        RuntimeError: other threads run, which would stay free.
    """
    _own_temporary_folder(folder / _TEMPORARY)
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"{threads} threads run already: the sandbox would bind one of them")
    landlock.restrict(_readable(), (folder, *map(Path, DEVICES)), network=False, moves=True)
    machine, pid = os.uname().machine, os.getpid()
    seccomp.install(seccomp.program(machine, pid, network=False, executes=False, allowed=_ALLOWED))


def _own_temporary_folder(path: Path) -> None:
    """The engine makes a database of its own there while it is loaded; what a killed process left goes."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    os.environ["TMPDIR"] = tempfile.tempdir = str(path)


def _readable() -> list[Path]:
    ours = [Path(path).resolve() for package in _PACKAGES for path in package.__path__]
    return [*python_folders(Path(sys.executable)), *ours, *map(Path, (*SYSTEM, *_KERNEL))]
