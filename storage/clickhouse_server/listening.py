"""The server's socket: bound before the process gives up the right to bind any."""

import contextlib
import socket

import psutil


class PortTakenError(RuntimeError):
    """Something else listens on the port."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises PortTakenError with the process that has the port, where it can be seen."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        text = f"Port {port} of {host} cannot be used ({error.strerror}{_owner(port)}): choose another with --port"
        raise PortTakenError(text) from error
    return listener


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()}, pid {connection.pid}"
    return ""
