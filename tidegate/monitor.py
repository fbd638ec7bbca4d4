"""/healthz, /readyz and /metrics of a process that serves nothing else, on a thread of its own."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tidegate.bounded_http import BoundedHTTPServer
from web import watched
from web.pages import PageGuard

_TEXT = "text/plain; charset=utf-8"
NO_PAGES = PageGuard()
NotReady = Callable[[], str | None]
"""None when the process is ready, else what it waits for."""


def serve(port: int, not_ready: NotReady, pages: PageGuard = NO_PAGES, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Start serving whom `pages` lets ask; `shutdown()` of what is returned stops it.

    Raises:
        OSError: the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name for it
            foreign = pages.refusal(header_bytes(self.headers.items()))
            if foreign is None:
                status, content_type, body = _answer(self.path, not_ready)
            else:
                status, content_type, body = HTTPStatus.FORBIDDEN, _TEXT, f"{foreign}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name for it
            """A probe every second is no news."""

    server = BoundedHTTPServer((host, port), Handler)
    watched.keep_thread(server.serve_forever, "monitor")
    return server


def header_bytes(items: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers of the standard library's server as ASGI has them."""
    return [(name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in items]


def _answer(path: str, not_ready: NotReady) -> tuple[HTTPStatus, str, bytes]:
    if path == "/healthz":
        return HTTPStatus.OK, _TEXT, b"ok\n"
    if path == "/readyz":
        reason = not_ready() or watched.trouble()
        if reason is None:
            return HTTPStatus.OK, _TEXT, b"ready\n"
        return HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, f"waiting for {reason}\n".encode()
    if path == "/metrics":
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest()
    return HTTPStatus.NOT_FOUND, _TEXT, b"try /healthz, /readyz or /metrics\n"
