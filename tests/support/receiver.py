"""A real HTTP receiver of webhooks on the loopback: keeps every request as it came, and answers by a script."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request, verbatim."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    arrived: float
    """Seconds since the epoch, when its body was there."""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What the receiver answers, `delay_s` seconds after the request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok\n"
    delay_s: float = 0.0


Script = Callable[[Received, int], Reply]
"""The reply to a request, given how many with the same `webhook-id` came before it."""


def always_ok(_request: Received, _before: int) -> Reply:
    return Reply()


class Receiver:
    """Serves on a thread for each connection; `script` may be replaced at any time."""

    def __init__(self, port: int = 0, script: Script = always_ok) -> None:
        self.script = script
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/hook"

    @property
    def received(self) -> list[Received]:
        """All requests so far, in the order of their arrival."""
        with self._lock:
            return list(self._received)

    def ids(self) -> list[str]:
        """The `webhook-id` of each request."""
        return [request.headers["webhook-id"] for request in self.received]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True).start()

    def stop(self) -> None:
        """Refuse connections, and let go of requests that are delayed."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, request: Received) -> Reply:
        with self._lock:
            key = request.headers.get("webhook-id")
            before = sum(1 for earlier in self._received if earlier.headers.get("webhook-id") == key)
            self._received.append(request)
            reply = self.script(request, before)
        self._closing.wait(reply.delay_s)
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away while it waited is what some tests are about."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            if len(body) < length:  # its sender was killed in the middle of it
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = receiver.take(Received(self.command, self.path, headers, body, time.time()))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name for it
            """The requests are kept; nobody reads a log."""

    return Handler


@contextmanager
def receiver(port: int = 0, script: Script = always_ok) -> Iterator[Receiver]:
    serving = Receiver(port, script)
    serving.start()
    try:
        yield serving
    finally:
        serving.stop()
