"""The deployer's connection to the supervisor: orders out, answers in. Whoever holds it holds the candidate."""

import asyncio
import socket
from pathlib import Path

from model_runner.decode_errors import UNREADABLE
from tidegate.candidates.protocol import (
    MOST_BYTES,
    Answer,
    Order,
    decode_answer,
    encode,
)
from tidegate.sockets import SocketFolderError, candidates_socket

_READ_BYTES = 1_048_576


class HostGoneError(ConnectionError):
    """The supervisor ended while it had the candidate."""


class Link:
    """The connection: whoever holds it holds the candidate."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = bytearray()
        connection.setblocking(False)

    async def send(self, order: Order) -> None:
        """Raises ConnectionError."""
        await asyncio.get_running_loop().sock_sendall(self._connection, encode(order))

    async def answer(self) -> Answer:
        """The next one. May be cancelled. Raises HostGoneError."""
        while b"\n" not in self._read:
            await _readable(self._connection)
            # Read and kept in one step: what a cancelled `sock_recv` had read already would be lost.
            try:
                data = self._connection.recv(_READ_BYTES)
            except BlockingIOError:
                continue
            self._read += data
            if not data or len(self._read) > MOST_BYTES:
                raise HostGoneError("the stack ended while the model was checked: deploy it again")
        line, _, rest = bytes(self._read).partition(b"\n")
        self._read = bytearray(rest)
        try:
            return decode_answer(line)
        except UNREADABLE as error:
            raise HostGoneError(f"the stack is of another version: {error}") from error

    def close(self) -> None:
        self._connection.close()


async def _readable(connection: socket.socket) -> None:
    """Return when there is something to read, or its end."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(connection, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(connection)


async def connected(run_path: Path) -> Link | None:
    """None where no supervisor takes candidates."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, str(candidates_socket(run_path)))
    except (OSError, SocketFolderError):
        connection.close()
        return None
    return Link(connection)
