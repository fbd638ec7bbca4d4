"""The command line of bubblewrap. Pure."""

from collections.abc import Iterable
from pathlib import Path

from model_runner.sandbox.plan import (
    NETWORK_FILES,
    PRIVATE_TMP_BYTES,
    SHARED_MEMORY_BYTES,
    SYSTEM,
    Confinement,
    View,
)

_KERNEL_SETTINGS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus")


def command(confinement: Confinement, view: View, inner: Iterable[str]) -> tuple[str, ...]:
    """`inner` in a file system, a process tree and (unless granted) a network of its own.

    As root the user namespace is left out, since only so `entry.py` can become a user that nobody else is; it is what
    the two capabilities are for, and they end with that.
    """
    if confinement.bwrap is None:
        raise ValueError("a confinement by bubblewrap needs its path")
    return (confinement.bwrap, *_namespaces(confinement), *_files(confinement, view), "--", *inner)


def _namespaces(confinement: Confinement) -> list[str]:
    options = ["--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += ["--hostname", "model"]
    if confinement.uid is None:
        options.append("--unshare-user")
    else:
        options += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    if not confinement.network:
        options.append("--unshare-net")
    return options


def _files(confinement: Confinement, view: View) -> list[str]:
    # Reads of /dev/zero end at once: what is mapped of the real one is memory that no limit counts.
    options = ["--proc", "/proc", "--dev", "/dev", "--dev-bind", "/dev/null", "/dev/zero"]
    options += ["--perms", "1777", "--size", str(SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm"]  # noqa: S108
    options += ["--perms", "1777", "--size", str(PRIVATE_TMP_BYTES), "--tmpfs", "/tmp"]  # noqa: S108
    # By itself bubblewrap makes folders on the way that only root may pass, or that their owner may write to.
    for parent in _parents([*view.readable, *map(Path, SYSTEM)]):
        options += ["--perms", "0555", "--dir", str(parent)]
    for path in [*SYSTEM, *(NETWORK_FILES if confinement.network else ())]:
        options += ["--ro-bind-try", path, path]
    for folder in _outermost(view.readable):
        options += ["--ro-bind", str(folder), str(folder)]
    # Of the kernel's own settings some are writable by the owner of a process that root started.
    for path in _KERNEL_SETTINGS:
        options += ["--ro-bind-try", path, path]
    # Its own /proc/self/mem would let it write to pages that count as read-only; and the file systems that bubblewrap
    # made itself have no bound on their size.
    for path in ("/proc", "/dev", "/"):
        options += ["--remount-ro", path]
    options += ["--chdir", "/tmp"]  # noqa: S108
    return options


def _parents(paths: Iterable[Path]) -> list[Path]:
    """Every folder on the way to them, the outer ones first."""
    found = {parent for path in paths for parent in path.parents}
    return sorted(found - {Path("/"), Path("/tmp")})  # noqa: S108


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Those that lie in no other of them: a folder that is bound twice is only slower."""
    unique = sorted(set(folders))
    return [path for path in unique if not any(other != path and path.is_relative_to(other) for other in unique)]
