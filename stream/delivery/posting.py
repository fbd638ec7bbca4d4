"""One HTTP request to the webhook, in bounded time and with a bounded answer, whatever the receiver does."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from stream.delivery.webhook import WebhookRequest, WebhookTarget

KEPT_CHARS = 200
READ_BYTES = 2048
"""Of an answer's body: enough for its complaint."""
READ_S = 1.0
"""For it: the status is known by then, and a body that never ends changes nothing."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int | None
    """None: no answer."""
    retry_after: str | None
    """The header as it stands."""
    date: str | None
    """The receiver's clock, likewise."""
    detail: str
    elapsed_ms: float


class Poster:
    """Posts to one target over kept connections. An async context manager."""

    def __init__(self, target: WebhookTarget, *, timeout_s: float, connections: int) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=30.0),
            follow_redirects=False,
            # A proxy of the environment has no way to a receiver on this machine.
            trust_env=httpx.URL(target.url).host not in {"127.0.0.1", "::1", "localhost"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, request: WebhookRequest) -> Answer:
        """Never raises for what the receiver or the network does."""
        began = time.perf_counter()
        try:
            status, after, date, detail = await self._exchange(request)
        except Exception as error:  # whatever a receiver thinks of costs this attempt, and nothing else
            status, after, date, detail = None, None, None, _printable(f"{type(error).__name__}: {error}")
        return Answer(status, after, date, detail, (time.perf_counter() - began) * 1000)

    async def _exchange(self, request: WebhookRequest) -> tuple[int | None, str | None, str | None, str]:
        try:
            # The client's own timeout starts anew with each byte; this one is for all up to the status.
            async with asyncio.timeout(self._timeout_s):
                response = await self._send(request)
        except (TimeoutError, httpx.TimeoutException):
            return None, None, None, f"no answer within {self._timeout_s:g} s"
        try:
            detail = await _beginning(response, keep=not response.is_success)
        finally:
            with contextlib.suppress(Exception):
                await response.aclose()
        return response.status_code, response.headers.get("retry-after"), response.headers.get("date"), detail

    async def _send(self, request: WebhookRequest) -> httpx.Response:
        made = self._client.build_request("POST", self._target.url, content=request.body, headers=request.headers)
        return await self._client.send(made, stream=True)


async def _beginning(response: httpx.Response, keep: bool) -> str:
    """What the receiver says, as it came (not unpacked), printable. Its status stands even where this breaks off."""
    read = b""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(READ_S):
            async for chunk in response.aiter_raw():
                read += chunk[:READ_BYTES]
                if len(read) >= READ_BYTES:
                    break
    return _printable(read.decode(errors="replace")) if keep else ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[: 2 * READ_BYTES])[:KEPT_CHARS].strip()
