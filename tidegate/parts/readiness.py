"""How a process of the stack shows that it is ready."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class TcpReady:
    """Something accepts connections on this port of the loopback."""

    port: int


@dataclass(frozen=True)
class HttpReady:
    """A GET answers 200."""

    port: int
    path: str


@dataclass(frozen=True)
class SocketReady:
    """The runner on this Unix socket says that it is so."""

    path: Path
    state: str = "ready"


@dataclass(frozen=True)
class AddressReady:
    """The runner at this address (model_runner/wire/tcp_address.py) answers who knows the token."""

    address: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class ExitReady:
    """It is a job: done when it ended with 0."""


Readiness = TcpReady | HttpReady | SocketReady | AddressReady | ExitReady
