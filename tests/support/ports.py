"""Ports that nobody listens on, below those that the system hands out to clients."""

import os
import socket

FIRST, LAST = 20_000, 32_000
BLOCKS = 8
"""pytest-xdist's workers look for ports in blocks of their own: what is found free is taken only a moment later."""
BLOCK = (LAST - FIRST) // BLOCKS


class _Ports:
    """Goes through the block in order, so that what was given is not given again soon."""

    def __init__(self, worker: int, start: int) -> None:
        self._first = FIRST + worker % BLOCKS * BLOCK
        self._next = start % BLOCK

    def take(self, length: int) -> int:
        for _ in range(BLOCK):
            if self._next + length > BLOCK:
                self._next = 0
            first = self._first + self._next
            self._next += length
            if all(_is_free(port) for port in range(first, first + length)):
                return first
        raise AssertionError(f"no {length} neighbouring free ports")


def free_ports(count: int) -> list[int]:
    """So many different free ports."""
    return [_PORTS.take(1) for _ in range(count)]


def free_port_range(length: int) -> int:
    """The first of `length` neighbouring free ports.

    Raises:
        AssertionError: there are none.
    """
    return _PORTS.take(length)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# gw0, gw1, … under pytest-xdist. The pid, since another run on this machine may be under way.
_PORTS = _Ports(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")), os.getpid() * 7)
