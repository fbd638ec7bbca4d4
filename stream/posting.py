"""One HTTP request to the webhook, in bounded time and with a bounded answer, whatever the receiver does."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from stream.webhook import WebhookRequest, WebhookTarget

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
        status, after, detail = await self._exchange(request)
        return Answer(status, after, detail, (time.perf_counter() - began) * 1000)

    async def _exchange(self, request: WebhookRequest) -> tuple[int | None, str | None, str]:
        try:
            # The client's own timeout starts anew with each byte; this one is for the whole.
            async with asyncio.timeout(self._timeout_s):
                return await self._send(request)
        except (TimeoutError, httpx.TimeoutException):
            return None, None, f"no answer within {self._timeout_s:g} s"
        except httpx.HTTPError as error:
            return None, None, f"{type(error).__name__}: {error}"[:KEPT_CHARS]

    async def _send(self, request: WebhookRequest) -> tuple[int | None, str | None, str]:
        sending = self._client.stream("POST", self._target.url, content=request.body, headers=request.headers)
        async with sending as response:
            complaint = await _beginning(response)
            detail = "" if response.is_success else complaint
            return response.status_code, response.headers.get("retry-after"), detail


async def _beginning(response: httpx.Response) -> str:
    """What the receiver says, as it came (not unpacked), printable. Its status stands even where this breaks off."""
    read = b""
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(READ_S):
            async for chunk in response.aiter_raw():
                read += chunk[:READ_BYTES]
                if len(read) >= READ_BYTES:
                    break
    text = read.decode(errors="replace")
    return "".join(c if c.isprintable() else " " for c in text)[:KEPT_CHARS].strip()
