"""What is ready to answer, by URL path: made anew when the route table changes, with the runners' connections kept."""

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.bodies.instance_form import Form
from gateway.log_limit import limited_logger
from gateway.prometheus import (
    INSTANCES,
    MODEL_SECONDS,
    REQUEST_SECONDS,
    RUNNER_LIES,
    SHADOW_COPIES,
    forget_model,
)
from gateway.refusals import Refusal, unknown_model, unknown_preview
from gateway.routing.known_paths import hint
from gateway.routing.replicas import Replicas
from gateway.routing.routes import Route, RouteCache, RouteTable, pick, predict_path
from model_runner import watched
from model_runner.names import DEFAULT_WORKSPACE
from model_runner.schema import schema as schema_codec
from model_runner.schema.instances import InstanceChecker
from model_runner.wire.client import ClientConfig

log = logging.getLogger(__name__)
_lies = limited_logger(f"{__name__}.lies")

ASKING_S = 1.0
"""A registry that does not answer must not hold up the answer that the runner is gone."""
_PATH = re.compile(
    r"/v1/(?:workspaces/(?P<workspace>[^/]+)/)?models/(?P<model>[^/]+)/(?:previews/(?P<preview>[^/]+)/)?predict"
)


class Endpoint:
    """One deployment, ready: its checker, its connections and its metrics."""

    def __init__(self, route: Route, client: Replicas) -> None:
        """Raises one of UNREADABLE where the route's schema is none."""
        schema = None if route.schema_json is None else schema_codec.decode(route.schema_json)
        self.route = route
        self.client = client
        self.checker = None if schema is None else InstanceChecker(schema)
        self.masked = frozenset(route.mask)
        self.known = None if schema is None else frozenset(schema.names)
        self.form = Form(self.known or frozenset(), schema.order if schema else None, route.example)
        # A preview must not show in the model's own figures.
        self.metric_model = route.model if route.preview is None else f"{route.model}/previews/{route.preview}"
        self.request_seconds = REQUEST_SECONDS.labels(route.workspace, self.metric_model)
        self.model_seconds = MODEL_SECONDS.labels(route.workspace, self.metric_model)
        self.instances = INSTANCES.labels(route.workspace, self.metric_model)
        self.copies_under_way = 0
        self.rows_under_way = 0

    def count_copy(self, outcome: str) -> None:
        """Of a shadow."""
        SHADOW_COPIES.labels(self.route.workspace, self.route.model, outcome).inc()


@dataclass(frozen=True, slots=True)
class _Group:
    """Who answers on one path."""

    takers: Sequence[Endpoint]
    shadows: Sequence[Endpoint] = ()


class Endpoints:
    """All endpoints of one worker, after its route cache."""

    def __init__(self, cache: RouteCache, config: ClientConfig, uniform: Callable[[], float] = random.random) -> None:
        self._cache = cache
        self._config = config
        self._uniform = uniform
        self._table = RouteTable()
        self._by_path: dict[str, _Group] = {}
        self._by_deployment: dict[str, Endpoint] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def choose(self, path: str) -> Endpoint:
        """The endpoint that answers this request. Ask its client before anything else is awaited: `still` otherwise.

        Raises:
            Refusal: no such model.
        """
        found = self._group(path)
        if found is None:
            raise self._unknown(path)
        if len(found.takers) == 1:
            return found.takers[0]
        chosen = pick([endpoint.route for endpoint in found.takers], self._uniform())
        return next(endpoint for endpoint in found.takers if endpoint.route is chosen)

    def still(self, endpoint: Endpoint, path: str) -> Endpoint:
        """The same endpoint while it takes this path's traffic, else another choice.

        A request may be a while between its path and its last byte, and its deployment may lose the traffic meanwhile.

        Raises:
            Refusal: the model is gone.
        """
        found = self._group(path)
        if found is not None and endpoint in found.takers:
            return endpoint
        return self.choose(path)

    async def after_refresh(self, endpoint: Endpoint, path: str) -> Endpoint | None:
        """Look at the routes at once; another endpoint where this one has lost the path's traffic, else None."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASKING_S):
                await self._cache.refresh_now()
        found = self._group(path)
        if found is None or any(other.route.deployment_id == endpoint.route.deployment_id for other in found.takers):
            return None
        return self.choose(path)

    def all(self) -> list[Endpoint]:
        """Of every deployment that is routed to."""
        self.follow()
        return list(self._by_deployment.values())

    def shadows(self, path: str) -> Sequence[Endpoint]:
        """Who gets copies of what comes on this path."""
        found = self._group(path)
        return () if found is None else found.shadows

    async def close(self) -> None:
        """Close all connections."""
        for task in self._retiring:
            task.cancel()
        for endpoint in self._by_deployment.values():
            await endpoint.client.close()

    def follow(self) -> None:
        """Have the endpoints that the routes ask for, also where no request comes that would need them."""
        if self._cache.table is not self._table:
            self._rebuild(self._cache.table)

    def _group(self, path: str) -> _Group | None:
        self.follow()
        return self._by_path.get(path)

    def _unknown(self, path: str) -> Refusal:
        match = _PATH.fullmatch(path)
        if match is None:
            return Refusal(404, "not_found", f"No such path. {hint(path, self._table)}")
        workspace = match["workspace"] or DEFAULT_WORKSPACE
        if match["preview"] is None:
            return unknown_model(match["model"], self._table.models(workspace))
        known = [name for owner, model, name in self._table.previews if (owner, model) == (workspace, match["model"])]
        return unknown_preview(match["model"], match["preview"], known)

    def _rebuild(self, table: RouteTable) -> None:
        kept = self._by_deployment
        self._table = table
        self._by_deployment = {}
        self._by_path = {}
        for key, routes in table.by_model.items():
            takers = self._ready(routes, kept)
            if takers:
                self._put(routes[0], _Group(takers, self._ready(table.shadows.get(key, ()), kept)))
        for route in table.previews.values():
            takers = self._ready([route], kept)
            if takers:
                self._put(route, _Group(takers))
        for deployment_id, endpoint in kept.items():
            if deployment_id not in self._by_deployment:
                self._retire(endpoint.client)
        for workspace, model in _names(kept) - _names(self._by_deployment):
            forget_model(workspace, model)

    def _put(self, route: Route, group: _Group) -> None:
        path = predict_path(route.workspace, route.model, route.preview)
        self._by_path[path] = group
        if route.workspace == DEFAULT_WORKSPACE:
            self._by_path[path.replace("/v1/", f"/v1/workspaces/{DEFAULT_WORKSPACE}/", 1)] = group

    def _ready(self, routes: Iterable[Route], kept: dict[str, Endpoint]) -> list[Endpoint]:
        return [endpoint for endpoint in (self._endpoint(route, kept) for route in routes) if endpoint]

    def _endpoint(self, route: Route, kept: dict[str, Endpoint]) -> Endpoint | None:
        old = kept.get(route.deployment_id)
        if old is not None and old.route == route:
            self._by_deployment[route.deployment_id] = old
            return old
        client = Replicas(route.addresses, self._config, route.token, _tell_of(route)) if old is None else old.client
        try:
            endpoint = Endpoint(route, client)
        except Exception as error:  # a schema, or an example, of any shape: it must not take the other models with it
            log.error("deployment %s cannot be served as the registry has it: %s", route.deployment_id, error)
            if old is None:
                self._retire(client)
                return None
            self._by_deployment[route.deployment_id] = old
            return old
        client.move_to(route.addresses)
        self._by_deployment[route.deployment_id] = endpoint
        return endpoint

    def _retire(self, client: Replicas) -> None:
        """Let what is under way finish, then close."""
        task = watched.begin(client.close_when_idle(self._config.timeout_s), "closing of a client")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


def _names(endpoints: dict[str, Endpoint]) -> set[tuple[str, str]]:
    """Under which metrics are kept: workspace and model."""
    return {(endpoint.route.workspace, endpoint.metric_model) for endpoint in endpoints.values()}


def _tell_of(route: Route) -> Callable[[str], None]:
    """Count what a deployment's runner sent that no runner sends."""
    count = RUNNER_LIES.labels(route.workspace, route.model)

    def tell(lie: str) -> None:
        count.inc()
        _lies.warning("the runner of deployment %s sent %s: its connection was closed", route.deployment_id, lie)

    return tell
