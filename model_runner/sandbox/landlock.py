"""Landlock: what a process may read and write, held by the kernel without any privilege (Linux 5.13 and later).

Three system calls by ctypes: this runs before any package of the environment may be imported.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_NET_BIND_AND_CONNECT = 3
_SCOPE_SOCKETS_AND_SIGNALS = 3

_PROC = Path("/proc")

READ = _EXECUTE | _READ_FILE | _READ_DIR
WRITE = _READ_FILE | _READ_DIR | _WRITE_FILE | _MAKE_AND_REMOVE | _TRUNCATE


def version() -> int:
    """Of the kernel's Landlock; 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))))


def restrict(readable: Iterable[Path], writable: Iterable[Path], *, network: bool, moves: bool = False) -> None:
    """From now on this process sees these folders and files alone. Paths that are missing are left out.

    What is under /proc stays open, also in the program that this process becomes: where memory is short the kernel
    forgets entries there that nobody uses and makes them anew, and the rules are for the old ones.

    Args:
        network: whether it may bind and connect.
        moves: whether it may link and rename from one folder to another, where it may write.

    Raises:
        OSError: the kernel has no Landlock, or refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    abi = version()
    handled = _handled(abi)
    # Attributes by the kernel's version: files (1), TCP (4), sockets and signals of others (6).
    attributes = [handled]
    if abi >= 4:
        attributes.append(0 if network else _NET_BIND_AND_CONNECT)
    if abi >= 6:
        attributes.append(_SCOPE_SOCKETS_AND_SIGNALS)
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    rules = _checked(libc.syscall(_CREATE, packed, ctypes.c_size_t(len(packed)), ctypes.c_uint32(0)))
    try:
        for rights, paths in ((READ, readable), (WRITE | _REFER if moves else WRITE, writable)):
            for path in paths:
                _add(libc, rules, path, rights & handled)
        _checked(libc.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
        _checked(libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0)))
    finally:
        os.close(rules)


def _handled(abi: int) -> int:
    """All rights that this kernel knows: what is handled is refused unless a rule allows it."""
    handled = READ | _WRITE_FILE | _MAKE_AND_REMOVE
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        if abi >= since:
            handled |= right
    return handled


def _add(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        allowed = rights if path.is_dir() else rights & _OF_FILES
        packed = struct.pack("=Qi", allowed, descriptor)
        call = (ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), packed, ctypes.c_uint32(0))
        _checked(libc.syscall(_ADD_RULE, *call))
    except OSError:
        os.close(descriptor)
        raise
    if path.is_relative_to(_PROC):
        os.set_inheritable(descriptor, True)
    else:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
