"""A receiver on raw sockets, which may say anything at all, or nothing."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Lie = Callable[[socket.socket, threading.Event], None]
"""Says something on the connection; the event is set when the receiver stops."""
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def says(*parts: bytes) -> Lie:
    """These bytes, then the connection is closed."""

    def lie(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(b"".join(parts))

    return lie


def trickles(start: bytes, again: bytes, every_s: float = 0.05) -> Lie:
    """The start, then the same again and again for as long as somebody listens."""

    def lie(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(start)
        while not stopped.wait(every_s):
            connection.sendall(again)

    return lie


def silent(connection: socket.socket, stopped: threading.Event) -> None:
    """Nothing, for as long as somebody listens."""
    while not stopped.is_set():
        if not connection.recv(1024):
            return


def resets(connection: socket.socket, stopped: threading.Event) -> None:
    """RST instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Liar:
    """Lies once to each `webhook-id` that it has a lie for, and says 200 to everything after."""

    def __init__(self, lies: Mapping[str, Lie]) -> None:
        self._lies = lies
        self.told: dict[str, int] = {}
        """Requests so far, by their `webhook-id`."""
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            webhook_id = _read_request(connection)
            before = self.told.get(webhook_id, 0)
            self.told[webhook_id] = before + 1
            lie = self._lies.get(webhook_id) if not before else None
            (lie or says(OK))(connection, self._stopped)


def _read_request(connection: socket.socket) -> str:
    """Read one request to its last byte; its `webhook-id`."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += _some(connection)
    head, _, body = head.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    while len(body) < int(headers[b"content-length"]):
        body += _some(connection)
    return headers[b"webhook-id"].decode()


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the client went away")
    return data


@contextmanager
def liar(lies: Mapping[str, Lie]) -> Iterator[Liar]:
    serving = Liar(lies)
    threading.Thread(target=serving.run, name="liar", daemon=True).start()
    try:
        yield serving
    finally:
        serving.stop()
