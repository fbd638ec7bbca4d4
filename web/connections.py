"""Connections of a server, kept within bounds: deadlines for what a client sends and takes, and a most of them.

uvicorn's own protocol has one deadline, for idle connections, and makes a timer for each request. Here one look a
second at all connections is what ends those that are silent, half-sent or unread; a request costs nothing more.
"""

import asyncio
import logging
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from web.connection_limits import ConnectionLimits
from web.prometheus import CONNECTIONS_ENDED
from web.upgrades import Parser

log = logging.getLogger(__name__)

ENDING_S = 5.0
"""For a connection that was told to close: its client may not have read what was sent."""


class _All:
    """What the connections of one server share."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open: set[BoundedProtocol] = set()
        self._looking: asyncio.TimerHandle | None = None

    def add(self, connection: "BoundedProtocol") -> None:
        self.open.add(connection)
        if self._looking is None:
            self._looking = connection.loop.call_later(self.limits.look_s, self._look, connection.loop)
        if len(self.open) > self.limits.most:
            self._make_room(connection)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        # First of all, so that no connection can stop it.
        self._looking = loop.call_later(self.limits.look_s, self._look, loop) if self.open else None
        now = loop.time()
        for connection in tuple(self.open):
            try:
                connection.look(now)
            except Exception:
                log.exception("a connection could not be looked at, and is cut off")
                connection.transport.abort()

    def _make_room(self, newest: "BoundedProtocol") -> None:
        """Several at once, so that a flood of connections does not sort them for each."""
        idle = sorted((one for one in self.open if one is not newest and one.waits()), key=lambda one: one.since)
        for connection in idle[: max(1, self.limits.most // 20)]:
            connection.end("too_many")
        if idle:
            return
        now = newest.loop.time()
        slow = [one for one in self.open if one.is_slow(now)]
        for connection in sorted(slow, key=lambda one: one.since)[: max(1, self.limits.most // 20)]:
            message = "The body came slowly, and all connections are in use. Send it at once."
            connection.end("too_slow", b"408 Request Timeout", message)
        if not slow:
            newest.end("too_many", b"503 Service Unavailable", "All connections are in use. Try again in a second.")


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    everyone: _All

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.parser: Parser = Parser(self)  # type: ignore[assignment]  # of httptools it has what is used
        self.since = self.loop.time()
        """When it began to wait: connected, sent a first byte, or was answered."""
        self._in_head = False
        self._in_body = False
        self._received = 0
        self._quiet_bytes = 0
        """Received since the parser last gave anything on."""
        self._before_body = 0
        """Received before the body that is coming."""
        self._counted = 0
        self._counted_at = 0.0
        self._unread = 0
        self._unread_at = 0.0
        self._ending_at: float | None = None

    # What the transport says.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        super().connection_made(transport)
        self.everyone.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.everyone.open.discard(self)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread = 0

    def data_received(self, data: bytes) -> None:
        if self._ending_at is not None:
            return
        self._received += len(data)
        self._quiet_bytes += len(data)
        super().data_received(data)
        if self._quiet_bytes > self.everyone.limits.head_bytes:
            most = self.everyone.limits.head_bytes
            self.end("too_large", b"431 Request Header Fields Too Large", f"Headers may have {most} bytes together.")

    # What the parser says.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self.since = self.loop.time()

    def on_headers_complete(self) -> None:
        served, hosts = self.app, sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            # As an answer among the others of the connection, each in its turn.
            self.app = _without_one_host
        super().on_headers_complete()
        self.app = served
        self._in_head, self._in_body = False, True
        self._quiet_bytes = 0
        self._counted, self._counted_at = self._received, self.since
        self._before_body = self._received

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._quiet_bytes = 0

    def on_message_complete(self) -> None:
        if self.parser.has_body_to_come():
            return
        super().on_message_complete()
        self._in_body = False
        self._quiet_bytes = 0

    def on_response_complete(self) -> None:
        """As the base has it, without a timer of its own."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.since = self.loop.time()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def _should_upgrade(self) -> bool:
        """Never: a WebSocket would be out of these bounds."""
        return False

    # What the clock says.

    def waits(self) -> bool:
        """Whether no request is being received or answered on it."""
        return self._ending_at is None and not self._in_body and (self.cycle is None or self.cycle.response_complete)

    def is_slow(self, now: float) -> bool:
        """Whether a body is coming so slowly that its connection is better given to another."""
        if self._ending_at is not None or not self._in_body or self.cycle.response_complete or self.flow.read_paused:
            return False
        limits, took_s = self.everyone.limits, now - self.since
        least = took_s * limits.hurried_bytes_a_second
        return took_s > limits.hurried_s and self._received - self._before_body < least

    def look(self, now: float) -> None:
        """End it where its client keeps a deadline no longer."""
        if self._ending_at is not None or self.transport.is_closing():
            self._ending_at = self._ending_at or now
            if now - self._ending_at > ENDING_S:
                self.transport.abort()
        elif self._takes_nothing(now):
            CONNECTIONS_ENDED.labels("answer_timeout").inc()
            self.transport.abort()
        elif self._in_body:
            self._look_at_body(now)
        elif self.waits():
            self._look_at_wait(now - self.since)

    def end(self, reason: str, status: bytes | None = None, message: str = "") -> None:
        """Close it; with an answer where none has begun. The application sees a client that went away."""
        CONNECTIONS_ENDED.labels(reason).inc()
        answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if status is not None and not answered:
            self.transport.write(_answer(status, message))
        self._ending_at = self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _look_at_wait(self, waited_s: float) -> None:
        limits = self.everyone.limits
        if self._in_head and waited_s > limits.head_s:
            self.end("head_timeout", b"408 Request Timeout", f"The headers did not come within {limits.head_s:g} s.")
        elif self.cycle is None and waited_s > limits.head_s:
            self.end("head_timeout")
        elif not self._in_head and waited_s > limits.keep_alive_s:
            self.end("idle")

    def _look_at_body(self, now: float) -> None:
        limits = self.everyone.limits
        if self.cycle.response_complete:
            # Refused before its end; what still comes is thrown away, for a while.
            if now - self.since > limits.head_s:
                self.end("body_timeout")
        elif self.flow.read_paused or self.cycle.waiting_for_100_continue:
            # It is the application that takes its time.
            self._counted, self._counted_at = self._received, now
        elif self._received - self._counted >= limits.least_bytes:
            self._counted, self._counted_at = self._received, now
        elif now - self._counted_at > limits.body_s:
            message = f"Less than {limits.least_bytes} bytes of the body came within {limits.body_s:g} s."
            self.end("body_timeout", b"408 Request Timeout", message)

    def _takes_nothing(self, now: float) -> bool:
        unread = self.transport.get_write_buffer_size()
        if not unread or not self._unread or self._unread - unread >= self.everyone.limits.least_bytes:
            self._unread, self._unread_at = unread, now
        return bool(unread) and now - self._unread_at > self.everyone.limits.body_s


def bounded(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """What uvicorn is given as `http`. Of one server: all that are made count together."""
    return type("Bounded", (BoundedProtocol,), {"everyone": _All(limits)})


async def _without_one_host(_scope: Any, _receive: Any, send: Any) -> None:
    """Whom a request without a host, or with two, is for cannot be told: 400 (RFC 9112, 3.2)."""
    text = b"The header Host must stand in a request of HTTP/1.1, and once.\n"
    told = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 400, "headers": [*told, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": text})


def _answer(status: bytes, message: str) -> bytes:
    retry = b"retry-after: 1\r\n" if status.startswith(b"503") else b""
    head = b"HTTP/1.1 %s\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n" % status
    return head + retry + b"content-length: %d\r\n\r\n%s\n" % (len(message) + 1, message.encode())
