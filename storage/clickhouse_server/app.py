"""ClickHouse's HTTP interface as an ASGI application: paths, refusals, and the answer's headers."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from storage.clickhouse_server.body import ClientGoneError
from storage.clickhouse_server.errors import ACCESS_DENIED, ClickHouseError
from storage.clickhouse_server.exchange import End, Failure, Head
from storage.clickhouse_server.formats import content_type
from storage.clickhouse_server.request import Asked, credentials, parse_url
from storage.clickhouse_server.service import Reply, Service
from storage.clickhouse_server.session import Progress
from storage.clickhouse_server.users import User, authenticate
from web.door import Door
from web.pages import page_guard

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_log = logging.getLogger(__name__)

_TEXT = "text/plain; charset=UTF-8"
_PATHS = ("/", "/query")


class App:
    """The application over a running service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = page_guard(service.config.host, service.config.allowed_hosts)
        self._door = Door("clickhouse")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"]
        foreign = self._pages.refusal(scope["headers"])
        if foreign is not None:
            await self._refuse(send, ClickHouseError(ACCESS_DENIED, foreign, "ACCESS_DENIED"), "")
            return
        if path in ("/ping", "/replicas_status"):
            await self._answer(send, 200, b"Ok.\n", method=method)
        elif path == "/metrics":
            await self._answer(send, 200, self._service.counters.text(), method=method)
        elif path not in _PATHS:
            text = f"There is no handle {path}\nUse / or /ping for health checks, and /?query= for queries.\n"
            await self._answer(send, 404, text.encode(), method=method)
        elif method not in ("GET", "POST", "HEAD"):
            await self._answer(send, 405, f"{method} is not supported: use GET or POST\n".encode())
        elif method != "POST" and b"query=" not in scope["query_string"]:
            await self._answer(send, 200, b"Ok.\n", method=method)
        else:
            await self._query(scope, receive, send)

    async def _query(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        try:
            url = parse_url(scope["query_string"])
            user = self._authenticate(scope, url, headers)
            whole = scope.get("http_version") == "1.0"
            asked = Asked(scope["method"], url, headers, user.readonly, user.name, whole)
            async with self._service.ask(asked, receive) as reply:
                await self._relay(reply, send, send_body=scope["method"] != "HEAD")
        except ClientGoneError:
            self._service.counters.dropped("client hung up")
        except ClickHouseError as error:
            await self._refuse(send, error, "")
        except TimeoutError:
            self._service.counters.dropped("client took nothing")  # the unfinished answer closes the connection
        except Exception:
            _log.exception("a request failed in the server itself")
            raise  # answered with 500, or cut off where it has begun

    def _authenticate(self, scope: Scope, url: Mapping[str, str], headers: Mapping[str, str]) -> User:
        client = str((scope.get("client") or ("?",))[0])
        return authenticate(self._service.config, credentials(url, headers), self._door, client, time.monotonic())

    async def _relay(self, reply: Reply, send: Send, *, send_body: bool) -> None:
        first = await reply.exchange.get()
        if isinstance(first, Failure):
            await reply.over()
            await self._refuse(send, first.error, reply.query_id)
            return
        if not isinstance(first, Head):
            raise TypeError(f"a result began with {type(first).__name__}")
        item = await reply.exchange.get()
        if isinstance(item, End):  # drivers look no further than the head of an empty answer, and ask again
            await reply.over()
        await send({"type": "http.response.start", "status": 200, "headers": self._head(reply, first)})
        while not isinstance(item, End):
            if isinstance(item, Failure):
                # Its text has been sent. No last chunk: a client that knows no marks must not take this for whole.
                self._service.counters.failed(item.error.code)
                await reply.over()
                return
            if isinstance(item, bytes) and send_body:
                async with asyncio.timeout(self._service.config.client_stall_s):
                    await send({"type": "http.response.body", "body": item, "more_body": True})
            item = await reply.exchange.get()
        await reply.over()  # whoever has the answer may ask the same session, by the same id, at once
        await send({"type": "http.response.body", "body": b""})

    def _head(self, reply: Reply, head: Head) -> Headers:
        kind = _TEXT if head.format is None else content_type(head.format)
        headers = self._headers(reply.query_id, kind, head.timezone)
        if head.format is not None:
            headers.append((b"x-clickhouse-format", head.format.encode()))
        headers += [
            (b"x-clickhouse-summary", _summary(head.progress)),
            (b"x-clickhouse-exception-tag", reply.tag.encode()),
        ]
        if head.length is not None:  # for HTTP/1.0, which knows no chunks
            headers.append((b"content-length", str(head.length).encode()))
        if reply.encoding is not None:
            headers.append((b"content-encoding", reply.encoding.encode()))
        return headers

    def _headers(self, query_id: str, kind: str, timezone: str = "") -> Headers:
        engine = self._service.engine
        return [
            (b"content-type", kind.encode()),
            (b"x-clickhouse-query-id", query_id.encode("utf-8", "replace")),
            (b"x-clickhouse-timezone", (timezone or engine.timezone).encode()),
            (b"x-clickhouse-server-display-name", engine.display_name.encode()),
        ]

    async def _refuse(self, send: Send, error: ClickHouseError, query_id: str) -> None:
        self._service.counters.failed(error.code)
        body = error.body(self._service.engine.version).encode("utf-8", "replace")
        headers = self._headers(query_id, _TEXT)
        headers.append((b"x-clickhouse-exception-code", str(error.code).encode()))
        if error.retry_after_s:
            headers.append((b"retry-after", str(error.retry_after_s).encode()))
        await self._send(send, error.status, headers, body)

    async def _answer(self, send: Send, status: int, body: bytes, method: str = "GET") -> None:
        await self._send(send, status, [(b"content-type", _TEXT.encode())], body, method)

    async def _send(self, send: Send, status: int, headers: Headers, body: bytes, method: str = "GET") -> None:
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def _summary(progress: Progress) -> bytes:
    numbers = {
        "read_rows": progress.read_rows,
        "read_bytes": progress.read_bytes,
        "written_rows": progress.written_rows,
        "written_bytes": progress.written_bytes,
        "total_rows_to_read": progress.read_rows,
        "result_rows": progress.written_rows or progress.result_rows,
        "result_bytes": 0,
    }
    return json.dumps({name: str(value) for name, value in numbers.items()}).encode()
