"""Cross-origin requests (CORS, the Fetch standard) to the prediction endpoints: whose pages may send them, and read the
answers. Nothing else of the gateway ever has these headers. Pages get no credentials along: there are none here.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from web.pages import PageGuard, origins_of

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ANY = "*"
SETTING = "TIDEGATE_CORS_ORIGINS"
_ALLOW = (b"allow", b"POST, OPTIONS")
_KEPT_S = b"600"


@dataclass(frozen=True, slots=True)
class Cors:
    """Which origins; none by default."""

    origins: frozenset[bytes] = frozenset()
    any_origin: bool = False

    def guard(self, pages: PageGuard) -> PageGuard:
        """Who may ask the prediction endpoints: whoever may ask the rest, and these."""
        origins, any_origin = pages.origins | self.origins, pages.any_origin or self.any_origin
        return replace(pages, origins=origins, any_origin=any_origin, setting=SETTING)

    def headers(self, asked: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Of every answer of a prediction endpoint, refusals too: a page is to read why. Empty where CORS is off."""
        if not self.origins and not self.any_origin:
            return []
        if self.any_origin:
            return [(b"access-control-allow-origin", b"*"), *_EXPOSED]
        origin = next((value for name, value in asked if name == b"origin"), b"")
        vary = (b"vary", b"Origin")  # also without one: a cache must not give this answer to a page
        if origin.lower() not in self.origins:
            return [vary]
        return [(b"access-control-allow-origin", origin), vary, *_EXPOSED]

    def of_options(self, asked: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Of the answer to OPTIONS, a preflight or not."""
        given = list(asked)
        found = self.headers(given)
        names = {name for name, _ in given}
        if len(found) < 2 or b"access-control-request-method" not in names:
            return [_ALLOW, *found]
        private = b"access-control-request-private-network" in names
        return [_ALLOW, *found, *_PREFLIGHT, *([(b"access-control-allow-private-network", b"true")] if private else [])]


_EXPOSED = ((b"access-control-expose-headers", b"X-Request-Id, Retry-After"),)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Content-Type, Content-Encoding, X-Request-Id, Authorization"),
    (b"access-control-max-age", _KEPT_S),
)


def cors_of(listed: Iterable[str]) -> Cors:
    """Of a setting's list; `*` stands for every origin."""
    origins = [origin.strip() for origin in listed]
    return Cors(origins_of(origin for origin in origins if origin != ANY), ANY in origins)


def with_headers(send: Send, headers: Headers) -> Send:
    """Adds them to the answer."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return sending


async def answer_options(send: Send, headers: Headers) -> None:
    """What may be sent here: 204, whatever model the path names, so that a page can read why there is none."""
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
