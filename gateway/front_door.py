"""Where a request goes, and whether it may, before anything of its body is read."""

from gateway.bounded_bodies import BoundedBodies
from gateway.config import GatewayConfig
from gateway.edge.cors import Cors, answer_options, with_headers
from gateway.edge.gate import Gate
from gateway.edge.token import Token, bearer_of
from gateway.management.errors import answer_of
from gateway.management.versions import PREFIX
from gateway.plane import DataPlane
from gateway.prometheus import FOREIGN_REQUESTS
from gateway.refusals import Refusal, from_a_page, too_many_tries, unauthorized
from web.asgi import Asgi, Receive, Scope, Send

Mounts = tuple[tuple[str, Asgi], ...]
"""Bare applications by the prefix of their paths."""


class FrontDoor:
    """The ASGI application: predictions straight to the data plane, mounts to their own, all else to FastAPI."""

    def __init__(
        self, management: Asgi, plane: DataPlane, config: GatewayConfig, mounts: Mounts, token: Token | None
    ) -> None:
        self._management = management
        self._bounded = BoundedBodies(management)
        self._plane = plane
        self._cors = config.cors
        self._pages = config.pages
        self._predicting = config.cors.guard(config.pages)
        self._mounts = mounts
        self._token = token
        self._gate = Gate("management")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._management(scope, receive, send)
            return
        is_predict = _predicts(scope["path"])
        foreign = (self._predicting if is_predict else self._pages).refusal(scope["headers"])
        if foreign is not None:
            FOREIGN_REQUESTS.inc()
            await answer_of(from_a_page(foreign), None)(scope, receive, send)
        elif is_predict:
            await _predict(self._plane.inference, self._cors, scope, receive, send)
        else:
            await self._managed(scope, receive, send)

    async def _managed(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        is_guarded = _is_guarded(path)
        refused = _refused(scope, self._gate, self._token) if is_guarded else None
        if refused is not None:
            # Before anything of the body is read.
            await answer_of(refused, None)(scope, receive, send)
            return
        mount = next((mount for prefix, mount in self._mounts if path.startswith(prefix)), None)
        if mount is not None:
            await mount(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # What answers GET answers HEAD (RFC 9110, 9.1); the server leaves out the body.
            scope = {**scope, "method": "GET"}
        await (self._bounded if is_guarded else self._management)(scope, receive, send)


def _predicts(path: str) -> bool:
    return path.endswith(("/predict", "/predict/")) and path.startswith("/v1/")


async def _predict(inference: Asgi, cors: Cors, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "OPTIONS":
        await answer_options(send, cors.of_options(scope["headers"]))
        return
    headers = cors.headers(scope["headers"])
    await inference(scope, receive, with_headers(send, headers) if headers else send)


def _is_guarded(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _refused(scope: Scope, gate: Gate, token: Token | None) -> Refusal | None:
    entry = gate.enter(scope, token, bearer_of(scope["headers"]))
    if entry.accepted:
        return None
    return too_many_tries(entry.wait_s) if entry.wait_s else unauthorized()
