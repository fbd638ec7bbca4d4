"""Ports that nobody listens on."""

import os
import socket


def free_ports(count: int) -> list[int]:
    """`count` different free ports of the loopback; another process may still take one before it is used."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port_range(length: int) -> int:
    """The first of `length` neighbouring free ports, below those that the system hands out to clients.

    Test runs side by side begin to look at different places: ports found free are taken only a moment later.
    """
    firsts = range(20_000, 32_000 - length, length)
    begin = (os.getpid() * 7) % len(firsts)
    for first in [*firsts[begin:], *firsts[:begin]]:
        if all(_is_free(port) for port in range(first, first + length)):
            return int(first)
    raise AssertionError(f"no {length} neighbouring free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
