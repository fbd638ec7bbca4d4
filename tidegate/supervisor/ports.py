"""Ports that are taken: which one, by which process, and which setting changes it."""

import socket
from collections.abc import Iterable
from contextlib import suppress

import psutil

from tidegate.supervisor.plan import PortUse


class PortTakenError(Exception):
    """A port of the stack is used by another process."""


def check_ports(uses: Iterable[PortUse], host: str = "127.0.0.1") -> None:
    """See that every port can be bound.

    Raises:
        PortTakenError: naming each taken port, its holder and the setting.
    """
    taken = [use for use in uses if not _is_free(use.port, host)]
    if taken:
        raise PortTakenError("\n".join(_explain(use) for use in taken))


def _is_free(port: int, host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the servers do: connections of an earlier run in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _explain(use: PortUse) -> str:
    holder = _holder(use.port)
    return f"Port {use.port} is taken by {holder}. End that process, or choose another port with {use.setting}."


def _holder(port: int) -> str:
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another process (one of another user, since its name is not shown)"
