"""`tcp://host:port`: where a runner listens that is not reached by a Unix socket. Pure."""

from dataclasses import dataclass

SCHEME = "tcp://"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class TcpAddress:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{SCHEME}{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def is_tcp(address: str) -> bool:
    """Whether it is meant to be one; anything else is the path of a Unix socket."""
    return address.startswith(SCHEME)


def parse_tcp(address: str) -> TcpAddress:
    """Without a host it is the loopback.

    Raises:
        ValueError: it is something else; the message says how to write one.
    """
    host, colon, port = address.removeprefix(SCHEME).rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not (is_tcp(address) and colon and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ValueError(f"{address!r} is no address of a runner: write tcp://host:port, such as tcp://127.0.0.1:8750")
    return TcpAddress(bare or LOOPBACK, int(port))
