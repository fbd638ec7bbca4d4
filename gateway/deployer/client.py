"""The blocking client of the deployer's socket: hooks and handlers ask, and read answers line by line."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.deployer.protocol import Follow, FrameReader, FromDeployer, Line, ToDeployer, encode
from model_runner.decode_errors import UNREADABLE

PATIENCE_S = 30.0
"""How long a deployer that is being restarted is waited for."""
PAUSE_S = 0.1


class DeployerAwayError(Exception):
    """Nobody answers on the socket; the message says what to do."""


def ask(path: Path, message: ToDeployer, patience_s: float = PATIENCE_S) -> Iterator[FromDeployer]:
    """Send one message and yield the answers until the deployer closes the connection.

    Raises:
        DeployerAwayError: there is no deployer for so many seconds.
    """
    with _connect(path, patience_s) as connection:
        connection.sendall(encode(message))
        reader = FrameReader()
        while data := _receive(connection):
            for frame in reader.feed(data):
                yield _read(frame)


def _read(frame: bytes) -> FromDeployer:
    try:
        answer: FromDeployer = msgspec.msgpack.decode(frame, type=FromDeployer)
    except UNREADABLE as error:
        message = f"what answers there is no deployer of this version ({error}): restart the stack"
        raise DeployerAwayError(message) from error
    return answer


def follow(path: Path, job: int, after: int = 0, patience_s: float = PATIENCE_S) -> Iterator[FromDeployer]:
    """A job's lines to its end, through as many lives of the deployer as it takes.

    Raises:
        DeployerAwayError: there is no deployer for so many seconds.
    """
    while True:
        for answer in ask(path, Follow(job, after), patience_s):
            if isinstance(answer, Line):
                after = answer.number
            yield answer
        time.sleep(PAUSE_S)


def _connect(path: Path, patience_s: float) -> socket.socket:
    deadline = time.monotonic() + patience_s
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            if time.monotonic() > deadline:
                reason = error.strerror or type(error).__name__
                message = f"the deployer does not answer ({reason}): see `tidegate status` and `tidegate logs deployer`"
                raise DeployerAwayError(message) from error
        else:
            return connection
        time.sleep(PAUSE_S)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""
