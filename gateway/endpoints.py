"""What is ready to answer, by URL path: made anew when the route table changes, with the runners' connections kept."""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Sequence

import msgspec

from gateway.metrics import INSTANCES, MODEL_SECONDS, REQUEST_SECONDS
from gateway.refusals import Refusal, unknown_model
from gateway.routes import DEFAULT_WORKSPACE, Route, RouteCache, RouteTable, pick, predict_path
from model_runner import schema as schema_codec
from model_runner.client import ClientConfig, RunnerClient
from model_runner.instances import InstanceChecker

log = logging.getLogger(__name__)

_PATH = re.compile(r"/v1/(?:workspaces/(?P<workspace>[^/]+)/)?models/(?P<model>[^/]+)/predict")


class Endpoint:
    """One deployment, ready: its checker, its connection and its metrics."""

    def __init__(self, route: Route, client: RunnerClient) -> None:
        """Raises msgspec.DecodeError where the route's schema is none."""
        schema = None if route.schema_json is None else schema_codec.decode(route.schema_json)
        self.route = route
        self.client = client
        self.checker = None if schema is None else InstanceChecker(schema)
        self.masked = frozenset(route.mask)
        self.known = None if schema is None else frozenset(schema.names)
        self.request_seconds = REQUEST_SECONDS.labels(route.workspace, route.model)
        self.model_seconds = MODEL_SECONDS.labels(route.workspace, route.model)
        self.instances = INSTANCES.labels(route.workspace, route.model)


class Endpoints:
    """All endpoints of one worker, after its route cache."""

    def __init__(self, cache: RouteCache, config: ClientConfig, uniform: Callable[[], float] = random.random) -> None:
        self._cache = cache
        self._config = config
        self._uniform = uniform
        self._table = RouteTable()
        self._by_path: dict[str, Sequence[Endpoint]] = {}
        self._by_deployment: dict[str, Endpoint] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def choose(self, path: str) -> Endpoint:
        """The endpoint that answers this request.

        Raises:
            Refusal: no such model.
        """
        if self._cache.table is not self._table:
            self._rebuild(self._cache.table)
        found = self._by_path.get(path)
        if found is None:
            raise self._unknown(path)
        if len(found) == 1:
            return found[0]
        chosen = pick([endpoint.route for endpoint in found], self._uniform())
        return next(endpoint for endpoint in found if endpoint.route is chosen)

    async def close(self) -> None:
        """Close all connections."""
        for task in self._retiring:
            task.cancel()
        for endpoint in self._by_deployment.values():
            await endpoint.client.close()

    def _unknown(self, path: str) -> Refusal:
        match = _PATH.fullmatch(path)
        if match is None:
            return Refusal(404, "not_found", "Try POST /v1/models/{model}/predict")
        return unknown_model(match["model"], self._table.models(match["workspace"] or DEFAULT_WORKSPACE))

    def _rebuild(self, table: RouteTable) -> None:
        kept = self._by_deployment
        self._table = table
        self._by_deployment = {}
        self._by_path = {}
        for (workspace, model), routes in table.by_model.items():
            ready = [endpoint for endpoint in (self._endpoint(route, kept) for route in routes) if endpoint]
            if ready:
                self._by_path[f"/v1/workspaces/{workspace}/models/{model}/predict"] = ready
                self._by_path[predict_path(workspace, model)] = ready
        for deployment_id, endpoint in kept.items():
            if deployment_id not in self._by_deployment:
                self._retire(endpoint.client)

    def _endpoint(self, route: Route, kept: dict[str, Endpoint]) -> Endpoint | None:
        old = kept.get(route.deployment_id)
        same_socket = old is not None and old.route.socket == route.socket
        client = old.client if old is not None and same_socket else RunnerClient(route.socket, self._config)
        try:
            endpoint = Endpoint(route, client)
        except msgspec.DecodeError as error:
            log.error("deployment %s has an unreadable input schema and is not served: %s", route.deployment_id, error)
            return None
        if old is not None and not same_socket:
            self._retire(old.client)
        self._by_deployment[route.deployment_id] = endpoint
        return endpoint

    def _retire(self, client: RunnerClient) -> None:
        """Let what is under way finish, then close."""
        task = asyncio.get_running_loop().create_task(client.close_when_idle(self._config.timeout_s))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
