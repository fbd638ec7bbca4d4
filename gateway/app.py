"""The gateway as one ASGI application: predictions go straight to the data plane, everything else to FastAPI."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from gateway.config import GatewayConfig
from gateway.edge.token import Token
from gateway.emission.producing import OnAcked
from gateway.front_door import FrontDoor
from gateway.health import health_router
from gateway.management.contract import Management
from gateway.management.errors import handle_errors
from gateway.management.models import models_router
from gateway.management.openapi import with_models
from gateway.management.versions import versions_router
from gateway.plane import DataPlane
from gateway.routing.known_paths import hint
from gateway.routing.routes import RouteCache, RouteSource
from gateway.routing.waking import Activity
from web.asgi import Asgi


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
    plane = DataPlane(config, cache, activity, background, on_acked)
    management = FastAPI(
        title="Tidegate",
        description="Push a model, get its API, see it drift.",
        lifespan=lambda _: plane.running(),
    )
    own = () if versions is None else (versions_router(versions),)
    included = (models_router(cache), health_router(cache), *own, *routers)
    for router in included:
        management.include_router(router)
    others = [route.path for each in (management, *included) for route in each.routes if isinstance(route, Route)]
    handle_errors(management, lambda path: hint(path, cache.table, others))
    _add_models_to_openapi(management, cache)
    return FrontDoor(management, plane, config, tuple((mounts or {}).items()), token)


def _add_models_to_openapi(management: FastAPI, cache: RouteCache) -> None:
    base = management.openapi

    def openapi() -> dict[str, Any]:
        return with_models(base(), cache.table)

    # FastAPI's documented way to change its document.
    management.openapi = openapi  # type: ignore[method-assign]
