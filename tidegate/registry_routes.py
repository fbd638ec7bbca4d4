"""The gateway's route table, read from the registry."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from gateway.routing.replica_names import replica_name
from gateway.routing.routes import Route, RouteTable
from storage.registry.database import Database
from storage.registry.idle import note_requests
from storage.registry.live import live_routes
from storage.registry.records import Deployment, LiveRoute
from tidegate.sockets import socket_in

log = logging.getLogger(__name__)


class RegistryRouteSource:
    """A gateway.routing.routes.RouteSource. Asking again costs one tiny query while nothing was written to the
    registry."""

    def __init__(self, database_dsn: str, run_path: Path, token_of: Callable[[str], str] = lambda _: "") -> None:
        """`token_of`: what the runners of a deployment ask for over TCP."""
        self._database = Database(database_dsn)
        self._run_path = run_path
        self._token_of = token_of
        self._revision = -1
        self._table = RouteTable()

    def load(self) -> RouteTable:
        """The live deployments; the same object as before while the registry is unchanged.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the registry cannot be reached, or was never migrated.
        """
        revision = self._database.revision()
        if revision != self._revision:
            # Read after the revision: a write in between is seen now, and looked at once more at the next call.
            self._table = RouteTable(tuple(self._routes()))
            self._revision = revision
        return self._table

    def _routes(self) -> Iterator[Route]:
        """Of a deployment whose row cannot be read what was known of it: its runners go on."""
        damaged: dict[str, str] = {}
        for found in live_routes(self._database, damaged):
            try:
                yield self._route(found)
            except Exception as error:  # a manifest of another shape may raise anything
                damaged[found.deployment.id] = f"{type(error).__name__}: {error}"
        for deployment_id, reason in damaged.items():
            known = [route for route in self._table.routes if route.deployment_id == deployment_id]
            what = "what was known of it is served" if known else "it is not served"
            log.error("deployment %s cannot be read from the registry, %s: %s", deployment_id, what, reason)
            yield from known

    def note_requests(self, deployment_ids: Sequence[str]) -> None:
        """As a gateway.routing.waking.Activity: those that are asleep are wanted from now on.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the registry cannot be reached.
        """
        note_requests(self._database, deployment_ids)

    def close(self) -> None:
        self._database.close()

    def _route(self, found: LiveRoute) -> Route:
        deployment = found.deployment
        schema = found.input_schema
        return Route(
            workspace=deployment.workspace,
            model=deployment.model,
            version=deployment.version,
            deployment_id=deployment.id,
            addresses=self._addresses(deployment),
            token=None if deployment.addresses is None else self._token_of(deployment.id),
            role=deployment.role.value,
            weight=deployment.weight,
            preview=deployment.slug,
            schema_json=None if schema is None else msgspec.json.encode(schema).decode(),
            mask=tuple(found.manifest.get("mask") or ()),
            example=found.manifest.get("example"),
            idle_seconds=deployment.idle_seconds,
            asleep=deployment.asleep,
        )

    def _addresses(self, deployment: Deployment) -> tuple[str, ...]:
        if deployment.addresses is not None:
            return deployment.addresses
        names = (replica_name(deployment.id, number) for number in range(deployment.replicas))
        return tuple(str(socket_in(self._run_path, name)) for name in names)
