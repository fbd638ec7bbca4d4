"""What a runner is started with."""

import socket as sockets
from dataclasses import dataclass, field
from pathlib import Path

from model_runner.limits import DEFAULT_LIMITS, Limits
from model_runner.wire.tcp_address import TcpAddress


@dataclass(frozen=True)
class RunnerConfig:
    """What a runner is started with."""

    folder: Path
    socket: Path | sockets.socket
    """Where to listen: a path, or a socket that listens already."""
    deployment_id: str
    tcp: TcpAddress | None = None
    """Where it is to be reached too, once the model is ready."""
    token: str | None = field(default=None, repr=False)
    """What gateways have to know over TCP."""
    max_waiting: int = 512
    """Requests that wait behind the batch in the model; one more is answered `overloaded`."""
    max_batch_rows: int = 1024
    drain_s: float = 10.0
    """How long a stop waits for what is under way."""
    awaits_word_s: float | None = None
    """The folder's files are touched only when somebody says so (LOAD), within this time; None loads at once."""
    libraries: tuple[str, ...] = ()
    """To be imported meanwhile."""
    is_spare: bool = False
    """It is nobody's until somebody says whose it is (BECOME), and waits for that for ever; then for the word."""
    limits: Limits = DEFAULT_LIMITS
    """Memory and CPUs are held by whoever started the process, its times by the process itself."""
