"""Whether the gateway lives and is ready, and its Prometheus metrics."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.routing.routes import RouteCache
from web import watched


def health_router(cache: RouteCache) -> APIRouter:
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
