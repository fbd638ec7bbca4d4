"""The data plane: a bare ASGI application that answers predictions. Nothing in it waits for Kafka.

Only a request whose runner is gone, or sleeps, waits for the registry (gateway/data_plane/predicting.py,
gateway/routing/waking.py).
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.bodies.compressed import CODINGS
from gateway.bodies.held import HeldBodies
from gateway.bodies.requests import Headers, parse_batch, read_body, read_headers
from gateway.data_plane.calls import Call, Predicted, events_of, rows_of
from gateway.data_plane.predicting import predict
from gateway.data_plane.shadowing import Shadowing
from gateway.emission.emitter import Emitter
from gateway.ids import request_id_of, uuid7s
from gateway.prometheus import REQUESTS
from gateway.refusals import CLIENT_GONE, Refusal
from gateway.routing.endpoints import Endpoint, Endpoints
from gateway.routing.waking import Waking
from web.asgi import Receive, Scope, Send

log = logging.getLogger(__name__)


_EVENTS_A_TURN = 500
"""Events encoded before other requests get their turn: about 2 ms."""
_encoder = msgspec.json.Encoder()


class _Many(msgspec.Struct):
    predictions: Any
    model: str
    version: int
    deployment_id: str
    request_id: str


class _One(msgspec.Struct):
    prediction: Any
    model: str
    version: int
    deployment_id: str
    request_id: str


class _Error(msgspec.Struct):
    code: str
    message: str
    details: list[Any]


class _Refused(msgspec.Struct):
    error: _Error
    request_id: str


@dataclass(frozen=True)
class RequestLimits:
    """Of one request."""

    max_bytes: int = 8_000_000
    max_instances: int = 10_000
    body_buffer_bytes: int = 512_000_000
    """Of the bodies of all requests under way."""


class InferenceApp:
    """`POST /v1/models/{model}/predict`, and the same of a preview."""

    def __init__(self, endpoints: Endpoints, waking: Waking, emitter: Emitter, limits: RequestLimits) -> None:
        self._endpoints = endpoints
        self._waking = waking
        self._emitter = emitter
        self._limits = limits
        self._bodies = HeldBodies("predict", limits.body_buffer_bytes)
        self._shadowing = Shadowing(self._emit, waking)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        received, began = datetime.now(UTC), perf_counter()
        headers = read_headers(scope["headers"])
        call = Call(received, began, request_id_of(headers.request_id) or _new_ids(1, received)[0])
        path = scope["path"].rstrip("/")
        call, body, refusal = await self._answered(call, path, scope["method"], headers, receive)
        if call.status != CLIENT_GONE:
            await _respond(send, call, body, refusal)
        self._copy(call, path)
        await self._record(call)

    async def close(self) -> None:
        """Give up the copies that are under way."""
        await self._shadowing.close()

    async def _answered(
        self, call: Call, path: str, method: str, headers: Headers, receive: Receive
    ) -> tuple[Call, bytes, Refusal | None]:
        """All that came to be known of the call, the body of its answer, and why it has no prediction."""
        try:
            with self._bodies.hold() as held:
                endpoint = self._endpoints.choose(path)
                call = replace(call, endpoint=endpoint)
                if method != "POST":
                    raise Refusal(405, "method_not_allowed", "Send a POST with the features as JSON")
                raw = await read_body(receive, headers, self._limits.max_bytes, held)
                batch = parse_batch(raw, endpoint.form, self._limits.max_instances)
                call = replace(call, instances=batch.instances)
                endpoint = self._endpoints.still(endpoint, path)
                call = replace(call, endpoint=endpoint)
                endpoint, result = await predict(batch.instances, endpoint, self._endpoints, self._waking, path)
                call = replace(call, endpoint=endpoint)
                if isinstance(result, Predicted):
                    call = replace(call, predicted=result)
                    return call, _body(call, endpoint, result, single=batch.single), None
                refusal = result
        except Refusal as refused:
            refusal = refused
        except Exception:
            log.exception("request %s failed", call.request_id)
            refusal = Refusal(500, "internal", "The gateway failed; its log says why, by this request_id")
        error = _Error(refusal.code, refusal.message, refusal.details)
        return call.refused(refusal), _encoder.encode(_Refused(error, call.request_id)), refusal

    async def _record(self, call: Call) -> None:
        """Metrics and events: after the answer, so that nobody waits for them."""
        seconds = perf_counter() - call.began
        call = replace(call, latency_ms=round(seconds * 1000, 3))
        endpoint = call.endpoint
        if endpoint is None:
            REQUESTS.labels("", "", call.status).inc()
            return
        REQUESTS.labels(endpoint.route.workspace, endpoint.metric_model, call.status).inc()
        endpoint.request_seconds.observe(seconds)
        if call.predicted is not None:
            endpoint.model_seconds.observe(call.predicted.model_ms / 1000)
            endpoint.instances.inc(len(call.instances))
        await self._emit(call, endpoint)

    def _copy(self, call: Call, path: str) -> None:
        """To the shadows, once the caller has the answer; what could not be read is not copied."""
        if call.instances and call.status != CLIENT_GONE:
            for shadow in self._endpoints.shadows(path):
                self._shadowing.copy(call, shadow)

    async def _emit(self, call: Call, endpoint: Endpoint) -> None:
        # A clock that was set back meanwhile: who reads the events refuses those of a time that is still to come.
        received = min(call.received, datetime.now(UTC))
        events = events_of(replace(call, received=received), endpoint, _new_ids(rows_of(call), received))
        if len(call.instances) <= _EVENTS_A_TURN:
            self._emitter.emit(events)
            return
        for row, event in enumerate(events):
            self._emitter.emit((event,))
            if row % _EVENTS_A_TURN == _EVENTS_A_TURN - 1:
                await asyncio.sleep(0)


def _new_ids(count: int, received: datetime) -> list[str]:
    return uuid7s(count, int(received.timestamp() * 1000))


def _body(call: Call, endpoint: Endpoint, predicted: Predicted, *, single: bool) -> bytes:
    route = endpoint.route
    shape: type[_One] | type[_Many] = _One if single else _Many
    answer = predicted.predictions[0] if single else predicted.predictions
    return _encoder.encode(shape(answer, route.model, route.version, route.deployment_id, call.request_id))


async def _respond(send: Send, call: Call, body: bytes, refusal: Refusal | None) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", call.request_id.encode()),
    ]
    if refusal is not None and refusal.retry_after_s is not None:
        headers.append((b"retry-after", str(refusal.retry_after_s).encode()))
    if call.status == 405:
        headers.append((b"allow", b"POST, OPTIONS"))
    if call.status == 415:
        headers.append((b"accept-encoding", CODINGS.encode()))
    await send({"type": "http.response.start", "status": call.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
