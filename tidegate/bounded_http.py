"""The standard library's threaded HTTP server, kept within bounds: so many connections, each for so long."""

import contextlib
import socket
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

MOST = 32
"""Connections, and so threads; one more ends the oldest."""
READ_S = 5.0
"""For the next byte."""
WHOLE_S = 15.0
"""For a connection from its beginning to its end."""


class BoundedHTTPServer(ThreadingHTTPServer):
    """For small answers to few clients: probes and scrapers."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        """Raises OSError where the port is taken."""
        self._lock = threading.Lock()
        self._open: dict[socket.socket, float] = {}
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(READ_S)
        with self._lock:
            self._open[request] = time.monotonic()
            oldest = [next(iter(self._open))] if len(self._open) > MOST else []
        self._end(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called twice a second."""
        until = time.monotonic() - WHOLE_S
        with self._lock:
            late = [one for one, since in self._open.items() if since < until]
        self._end(late)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or was sent away, is no news."""

    def _end(self, connections: list[socket.socket]) -> None:
        for connection in connections:
            with self._lock:
                self._open.pop(connection, None)
            # Its thread wakes up with an empty read and closes it.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
