"""The data plane, as long as the application is served: what runs beside it, and what a stop waits for."""

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from gateway.config import GatewayConfig
from gateway.data_plane.inference import InferenceApp
from gateway.emission.emitter import Emitter
from gateway.emission.producing import OnAcked, RecordProducer
from gateway.routing.endpoints import Endpoints
from gateway.routing.idling import Idling
from gateway.routing.routes import RouteCache
from gateway.routing.waking import Activity, Waking
from web import watched
from web.asgi import Asgi, Receive, Scope, Send


class DataPlane:
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
