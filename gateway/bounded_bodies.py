"""Bodies of the management API: read whole and within bounds before anybody parses them, then given on.

What parses them holds a body of any size, and as many as there are connections.
"""

from collections.abc import MutableMapping
from typing import Any

from gateway.bodies.held import HeldBodies
from gateway.bodies.requests import read_body, read_headers
from gateway.management.errors import answer_of
from gateway.refusals import Refusal
from web.asgi import Asgi, Receive, Scope, Send

MOST_BYTES = 1_000_000
"""Of one: the largest is the traffic of a model, some tens of bytes a version."""
HELD_BYTES = 8_000_000
"""Of all."""
_WITHOUT = frozenset({"GET", "HEAD", "OPTIONS"})


class BoundedBodies:
    """Around an ASGI application."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self._bodies = HeldBodies("management", HELD_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in _WITHOUT:
            await self._app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        with self._bodies.hold() as held:
            try:
                body = await read_body(receive, headers, MOST_BYTES, held)
            except Refusal as refusal:
                given = None if headers.request_id is None else headers.request_id.decode("latin-1")
                await answer_of(refusal, given)(scope, receive, send)
                return
            await self._app(scope, _replayed(body, receive), send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body in one piece, then whatever comes after it: its sender may go away."""
    waiting: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return replay
