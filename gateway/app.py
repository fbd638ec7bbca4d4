"""The gateway as one ASGI application: predictions go straight to the data plane, everything else to FastAPI."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import Route

from gateway.bounded_bodies import BoundedBodies
from gateway.data_plane.inference import InferenceApp, RequestLimits
from gateway.edge.cors import Cors, answer_options, with_headers
from gateway.edge.gate import Gate
from gateway.edge.token import Token, bearer_of
from gateway.emission.emitter import Emitter
from gateway.emission.producing import OnAcked, ProducerConfig, RecordProducer
from gateway.management.contract import Management
from gateway.management.errors import answer_of, handle_errors
from gateway.management.models import models_router
from gateway.management.openapi import with_models
from gateway.management.versions import PREFIX, versions_router
from gateway.prometheus import FOREIGN_REQUESTS
from gateway.refusals import Refusal, from_a_page, too_many_tries, unauthorized
from gateway.routing.endpoints import Endpoints
from gateway.routing.idling import Idling
from gateway.routing.known_paths import hint
from gateway.routing.routes import RouteCache, RouteSource
from gateway.routing.waking import Activity, Waking, WakingConfig
from model_runner.wire.client import ClientConfig
from web import watched
from web.asgi import Receive, Scope, Send
from web.pages import PageGuard

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class GatewayConfig:
    """All that the gateway is told."""

    producer: ProducerConfig
    limits: RequestLimits = field(default_factory=RequestLimits)
    runner: ClientConfig = field(default_factory=ClientConfig)
    waking: WakingConfig = field(default_factory=WakingConfig)
    pages: PageGuard = field(default_factory=PageGuard)
    cors: Cors = field(default_factory=Cors)
    emit_linger_s: float = 0.005
    refresh_s: float = 0.1
    """Seconds between two refreshes of the route table."""
    flush_s: float = 10.0
    """Seconds that a stop waits for events to be acknowledged."""


def create_app(
    config: GatewayConfig,
    source: RouteSource,
    *,
    routers: Sequence[APIRouter] = (),
    mounts: Mapping[str, Asgi] | None = None,
    token: Token | None = None,
    versions: Management | None = None,
    activity: Activity | None = None,
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    on_acked: OnAcked | None = None,
) -> Asgi:
    """The ASGI application.

    Args:
        config: bounds and addresses.
        source: where routes are kept.
        routers: more of the management API; what is under /api/v1 needs the token.
        mounts: bare applications by the prefix of their paths; who may use them is their own affair.
        token: of the management API; without one nobody may use it.
        versions: does what the management API of versions is asked for; None leaves it out.
        activity: told which deployments are asked, where some may sleep; None where none may.
        background: run beside the serving until it ends.
        on_acked: called, in another thread, with the ids of events that the broker acknowledged.
    """
    cache = RouteCache(source, config.refresh_s)
    plane = _Plane(config, cache, activity, background, on_acked)
    management = FastAPI(
        title="Tidegate",
        description="Push a model, get its API, see it drift.",
        lifespan=lambda _: plane.running(),
    )
    own = () if versions is None else (versions_router(versions),)
    included = (models_router(cache), _health_router(cache), *own, *routers)
    for router in included:
        management.include_router(router)
    others = [route.path for each in (management, *included) for route in each.routes if isinstance(route, Route)]
    handle_errors(management, lambda path: hint(path, cache.table, others))
    _add_models_to_openapi(management, cache)

    mounted = tuple((mounts or {}).items())
    predicting = config.cors.guard(config.pages)
    gate = Gate("management")
    managed = BoundedBodies(management)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await management(scope, receive, send)
            return
        path = scope["path"]
        is_predict = _predicts(path)
        foreign = (predicting if is_predict else config.pages).refusal(scope["headers"])
        if foreign is not None:
            FOREIGN_REQUESTS.inc()
            await answer_of(from_a_page(foreign), None)(scope, receive, send)
            return
        if is_predict:
            await _predict(plane.inference, config.cors, scope, receive, send)
            return
        refused = _refused(scope, gate, token) if _is_guarded(path) else None
        if refused is not None:
            # Before anything of the body is read.
            await answer_of(refused, None)(scope, receive, send)
            return
        other = next((mount for prefix, mount in mounted if path.startswith(prefix)), management)
        if scope["method"] == "HEAD" and other is management:
            # What answers GET answers HEAD (RFC 9110, 9.1); the server leaves out the body.
            scope = {**scope, "method": "GET"}
        await (managed if other is management and _is_guarded(path) else other)(scope, receive, send)

    return app


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


class _Plane:
    """What lives as long as the application is served."""

    def __init__(
        self,
        config: GatewayConfig,
        cache: RouteCache,
        activity: Activity | None,
        background: Sequence[Callable[[], Coroutine[Any, Any, None]]],
        on_acked: OnAcked | None,
    ) -> None:
        self._config = config
        self._cache = cache
        self._activity = activity
        self._background = background
        self._on_acked = on_acked
        self.inference: Asgi = _not_started

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started: routes asked for once. Stopped: the events on their way are flushed."""
        producer = RecordProducer(self._config.producer, self._on_acked)
        emitter = Emitter(producer, self._config.producer.buffer_bytes, self._config.emit_linger_s)
        endpoints = Endpoints(self._cache, self._config.runner)
        waking = Waking(self._activity, endpoints.follow, self._cache.refresh_now, self._config.waking)
        self.inference = inference = InferenceApp(endpoints, waking, emitter, self._config.limits)
        await self._cache.refresh()
        telling = () if self._activity is None else (Idling(self._activity, endpoints.all).run,)
        works = (self._cache.run, *telling, *self._background)
        beside = {watched.keep(work, getattr(work, "__qualname__", "background")) for work in works}
        try:
            yield
        finally:
            await watched.cancelled(beside)
            await inference.close()
            await emitter.close(self._config.flush_s)
            await endpoints.close()


async def _not_started(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
    raise RuntimeError("the server must run the application's lifespan: uvicorn --lifespan on")


def _health_router(cache: RouteCache) -> APIRouter:
    router = APIRouter(tags=["health"], default_response_class=PlainTextResponse)

    @router.get("/healthz")
    async def healthz() -> str:
        """The process answers."""
        return "ok\n"

    @router.get("/readyz")
    async def readyz() -> Response:
        """Routes were loaded, so predictions can be answered; and nothing that runs beside them is dead."""
        reason = watched.trouble() if cache.loaded else "the registry"
        if reason is None:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"waiting for {reason}\n", status_code=503)

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


def _add_models_to_openapi(management: FastAPI, cache: RouteCache) -> None:
    base = management.openapi

    def openapi() -> dict[str, Any]:
        return with_models(base(), cache.table)

    # FastAPI's documented way to change its document.
    management.openapi = openapi  # type: ignore[method-assign]
