"""The ClickHouse server with an environment that was moved, and what behind it looks like addresses; for tests.

Python moves the environment to the heap when a variable is added, beside whatever lies there: the head of a small
block is 0x21, which in the kernel's auxiliary vector announces the address of the vDSO.
"""

import ctypes
import sys
from pathlib import Path

from storage.clickhouse_server.__main__ import main
from tidegate.processes.clickhouse import confine_or_warn

_AT_SYSINFO_EHDR, _NOWHERE = 0x21, 0x4141414141414140
_kept: list[object] = []


def confine_and_move(folder: Path) -> None:
    """As the server does, and then the environment gets such a neighbour."""
    confine_or_warn(folder)
    libc = ctypes.CDLL(None)
    variables = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ")
    ours: list[int] = []
    while (variable := variables[len(ours)]) is not None:
        ours.append(variable)
    moved = (ctypes.c_void_p * (len(ours) + 5))(*ours, None, _AT_SYSINFO_EHDR, _NOWHERE, None, None)
    _kept.append(moved)
    ctypes.c_void_p.in_dll(libc, "environ").value = ctypes.addressof(moved)


if __name__ == "__main__":
    sys.exit(main(confine_and_move))
