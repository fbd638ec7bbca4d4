"""A webhook receiver on the loopback, as a user's own would be: answers 204 and keeps what came."""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from model_runner import watched
from tidegate.demo.findings import Delivery
from tidegate.monitor import header_bytes
from web.pages import PageGuard

KEPT = 1000
"""Deliveries; older ones are forgotten. The demo expects about twenty."""
MAX_BYTES = 1_000_000
READ_TIMEOUT_S = 10.0


class Receiver:
    """A context manager that listens while it is entered."""

    def __init__(self, port: int = 0) -> None:
        """Raises OSError where the port is taken; 0 takes any free one."""
        self._kept: deque[Delivery] = deque(maxlen=KEPT)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self._kept))
        self._server.daemon_threads = True
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    def deliveries(self, deployment_id: str) -> list[Delivery]:
        """What came about one deployment, the oldest first; a repetition of a change is left out."""
        seen: set[object] = set()
        found = []
        for one in list(self._kept):
            change = one.alert.get("change_id")
            if one.alert.get("deployment_id") == deployment_id and change not in seen:
                seen.add(change)
                found.append(one)
        return found

    def __enter__(self) -> "Receiver":
        self._thread = watched.begin_thread(self._server.serve_forever, "receiver")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(kept: deque[Delivery]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = READ_TIMEOUT_S

        def do_POST(self) -> None:
            """Keep it, with the time at which it had arrived whole."""
            if PageGuard().refusal(header_bytes(self.headers.items())) is not None:
                self.send_error(403)
                return
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > MAX_BYTES:
                self.send_error(413)
                return
            raw = self.rfile.read(int(length))
            kept.append(Delivery(time.time(), dict(self.headers.items()), _body(raw)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
            """Nothing: the demo shows what came."""

    return Handler


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
