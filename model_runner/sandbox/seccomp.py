"""The system call filter: no other processes, no connections, no memory that no limit counts, no odd corners.

Assembled by hand: libseccomp is not on every machine, its bindings come without wheels for our oldest Python or were
last released in 2021, and this runs before any package of the environment may be imported. Numbers: `syscalls.py`.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Iterable

from model_runner.sandbox.syscalls import ARCHITECTURES, EXECUTING, JUDGED, NEWEST, REFUSED

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _RETURN, _AND = 0x20, 0x06, 0x54
_EQUAL, _GREATER, _GREATER_EQUAL = 0x15, 0x25, 0x35
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_CLONE_THREAD = 0x10000
_SHARED_ANONYMOUS, _GROWS_DOWN = 0x21, 0x100
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM = 1
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI, TIOCLINUX: keys typed into whoever's terminal this is."""
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


def program(
    machine: str, pid: int, *, network: bool, executes: bool = True, allowed: frozenset[str] = frozenset()
) -> bytes:
    """The filter for a process.

    Args:
        machine: as `os.uname().machine` says.
        pid: its own, the only one that it may signal.
        network: whether it may connect.
        executes: whether it may become another program.
        allowed: names of `REFUSED` and `JUDGED` that this process needs.

    Raises:
        KeyError: there are no numbers for this machine.
    """
    column, arch = ARCHITECTURES[machine]
    code = [_load(_ARCH), (_EQUAL, 1, 0, arch), _return(_KILL), _load(_NUMBER)]
    # The second set of numbers on x86_64 would be a way around all that follows.
    code += [(_GREATER_EQUAL, 0, 1, _X32), _return(_ERRNO | errno.ENOSYS)]
    code += [(_GREATER, 0, 1, NEWEST), _return(_ERRNO | errno.ENOSYS)]
    refused = REFUSED if executes else {**REFUSED, **EXECUTING}
    for numbers in (numbers for name, numbers in refused.items() if name not in allowed):
        code += _when(numbers[column], [_return(_ERRNO | errno.EPERM)])
    for name, body in _judgements(pid, network).items():
        if name not in allowed:
            code += _when(JUDGED[name][column], body)
    code.append(_return(_ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def install(code: bytes) -> None:
    """Bind this process, and what it executes, for ever.

    Raises:
        OSError: the kernel has no seccomp filters.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    for call in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER, header, 0, 0)):
        if libc.prctl(*call) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"seccomp: {os.strerror(number)}")


def _judgements(pid: int, network: bool) -> dict[str, list[Instruction]]:
    refuse = _return(_ERRNO | errno.EPERM)
    own = [_argument(0), (_EQUAL, 1, 0, pid), refuse, _return(_ALLOW)]
    bodies = {
        "clone": [_argument(0), (_AND, 0, 0, _CLONE_THREAD), (_EQUAL, 0, 1, 0), refuse, _return(_ALLOW)],
        # Its flags lie in memory, where a filter cannot look; without it libc uses clone.
        "clone3": [_return(_ERRNO | errno.ENOSYS)],
        "mmap": [
            _argument(3),
            (_AND, 0, 0, _SHARED_ANONYMOUS),
            (_EQUAL, 0, 1, _SHARED_ANONYMOUS),
            _return(_ERRNO | errno.ENOMEM),
            # A stack: what it grows by does not count as data.
            _argument(3),
            (_AND, 0, 0, _GROWS_DOWN),
            (_EQUAL, 1, 0, 0),
            _return(_ERRNO | errno.ENOMEM),
            _return(_ALLOW),
        ],
        # That of the main thread can be moved and made larger. libc copies where this fails.
        "mremap": [_return(_ERRNO | errno.ENOMEM)],
        "kill": own,
        "tgkill": own,
        "rt_sigqueueinfo": own,
        "rt_tgsigqueueinfo": own,
        "prlimit64": [_argument(0), (_EQUAL, 2, 0, 0), (_EQUAL, 1, 0, pid), refuse, _return(_ALLOW)],
        "ioctl": [_argument(1), *_refuse_each(_TERMINAL_INPUT, refuse), _return(_ALLOW)],
    }
    if network:
        families = (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK)
        bodies["socket"] = [_argument(0), *_allow_each(families), refuse]
        return bodies
    # The socket that a runner listens on was made before, and it needs no other.
    bodies |= {name: [refuse] for name in ("socket", "connect", "bind")}
    # Event loops wake themselves by a pair of streams. Of a pair of datagram sockets one could be told an address.
    bodies["socketpair"] = [
        _argument(0),
        (_EQUAL, 1, 0, _AF_UNIX),
        refuse,
        _argument(1),
        (_AND, 0, 0, 0xF),
        (_EQUAL, 1, 0, _SOCK_STREAM),
        refuse,
        _return(_ALLOW),
    ]
    return bodies


def _when(number: int | None, body: list[Instruction]) -> list[Instruction]:
    """The body, which must end in a return, for this call alone."""
    return [] if number is None else [(_EQUAL, 0, len(body), number), *body]


def _refuse_each(values: Iterable[int], refuse: Instruction) -> list[Instruction]:
    return [line for value in values for line in ((_EQUAL, 0, 1, value), refuse)]


def _allow_each(values: Iterable[int]) -> list[Instruction]:
    return [line for value in values for line in ((_EQUAL, 0, 1, value), _return(_ALLOW))]


def _argument(index: int) -> Instruction:
    """Its lower half: both architectures are little-endian, and no value that is judged here is longer."""
    return _load(_ARGUMENTS + 8 * index)


def _load(offset: int) -> Instruction:
    return (_LOAD, 0, 0, offset)


def _return(value: int) -> Instruction:
    return (_RETURN, 0, 0, value)
