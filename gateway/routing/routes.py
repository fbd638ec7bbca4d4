"""Which deployments answer for which model: an immutable table, its source, and the copy that each worker keeps."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.prometheus import ROUTE_REFRESH_FAILURES, ROUTE_REFRESHES, ROUTES_AGE
from model_runner import watched
from model_runner.names import DEFAULT_WORKSPACE

log = logging.getLogger(__name__)
_LOG_EVERY_S = 30.0
SHADOW = "shadow"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One live deployment of one model."""

    workspace: str
    model: str
    version: int
    deployment_id: str
    addresses: tuple[str, ...]
    """Where its runners answer: paths of Unix sockets, or `tcp://host:port`."""
    token: str | None = field(default=None, repr=False)
    """What its runners are asked for over TCP."""
    role: str = "primary"
    """`primary`, `canary`, `shadow` or `preview`."""
    weight: float = 1.0
    """Share of the model's traffic, relative to its other primaries and canaries; 0 takes none."""
    preview: str | None = None
    """Of a preview: its branch, as it stands in the URL."""
    schema_json: str | None = None
    """The input schema (model_runner/schema/schema.py); None serves unvalidated."""
    mask: tuple[str, ...] = ()
    """Features whose values never leave the gateway."""
    example: dict[str, Any] | None = None
    idle_seconds: float | None = None
    """Without a request for so long its runners may be stopped; None: never."""
    asleep: bool = False
    """Its runners are stopped until it is asked."""


@dataclass(frozen=True)
class RouteTable:
    """All routes at one moment."""

    routes: tuple[Route, ...] = ()
    by_model: dict[tuple[str, str], tuple[Route, ...]] = field(init=False, repr=False, compare=False)
    """Routes that take traffic, by (workspace, model)."""
    shadows: dict[tuple[str, str], tuple[Route, ...]] = field(init=False, repr=False, compare=False)
    """Routes that get copies, likewise."""
    previews: dict[tuple[str, str, str], Route] = field(init=False, repr=False, compare=False)
    """By (workspace, model, branch as in the URL)."""

    def __post_init__(self) -> None:
        taking: dict[tuple[str, str], list[Route]] = {}
        copied: dict[tuple[str, str], list[Route]] = {}
        previews = {}
        for route in self.routes:
            key = (route.workspace, route.model)
            if route.preview is not None:
                previews[*key, route.preview] = route
            elif route.role == SHADOW:
                copied.setdefault(key, []).append(route)
            elif route.weight > 0:
                taking.setdefault(key, []).append(route)
        object.__setattr__(self, "by_model", {key: tuple(routes) for key, routes in taking.items()})
        object.__setattr__(self, "shadows", {key: tuple(routes) for key, routes in copied.items()})
        object.__setattr__(self, "previews", previews)

    def models(self, workspace: str) -> list[str]:
        """Names of the models that take traffic."""
        return sorted(model for owner, model in self.by_model if owner == workspace)


def predict_path(workspace: str, model: str, preview: str | None = None) -> str:
    """Where requests for a model, or for one of its previews, are posted."""
    prefix = "/v1" if workspace == DEFAULT_WORKSPACE else f"/v1/workspaces/{workspace}"
    return f"{prefix}/models/{model}{'' if preview is None else f'/previews/{preview}'}/predict"


def pick(routes: Iterable[Route], u: float) -> Route:
    """The route whose share of the weights covers u, 0 <= u < 1. There must be at least one."""
    candidates = tuple(routes)
    left = u * sum(route.weight for route in candidates)
    for route in candidates:
        left -= route.weight
        if left < 0:
            return route
    return candidates[-1]


class RouteSource(Protocol):
    """Where routes are kept: the registry."""

    def load(self) -> RouteTable:
        """The table as it is now. May block; may raise anything."""


class RouteCache:
    """A worker's copy of the table: refreshed in the background, kept when its source fails."""

    def __init__(
        self, source: RouteSource, interval_s: float = 0.1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._interval_s = interval_s
        self._clock = clock
        self._logged_at = float("-inf")
        self.table = RouteTable()
        self.loaded = False
        """Whether the source has answered once."""
        self._loaded_at = clock()
        self._refreshing: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()

    async def refresh_now(self) -> None:
        """Ask the source before it is time; many who ask at once make one question."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = watched.begin(self.refresh(), "refresh of the routes")
        # Shielded: a caller who goes away must not take the answer from the others.
        await asyncio.shield(self._refreshing)

    async def refresh(self) -> None:
        """Ask the source once; on failure keep what is known, count it, and say so now and then."""
        # One after the other: an older answer must not arrive after a newer one.
        async with self._asking:
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            table = await asyncio.to_thread(self._source.load)
        except Exception as error:  # whatever is wrong with the registry, what is known is served
            ROUTE_REFRESH_FAILURES.inc()
            self._complain(error)
        else:
            # The same table object as long as nothing changed: readers compare by identity.
            if table != self.table or not self.loaded:
                self.table = table
            ROUTE_REFRESHES.inc()
            self.loaded = True
            self._loaded_at = self._clock()
        ROUTES_AGE.set(self._clock() - self._loaded_at)

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._interval_s)

    def _complain(self, error: Exception) -> None:
        now = self._clock()
        if now - self._logged_at >= _LOG_EVERY_S:
            self._logged_at = now
            log.warning("routes could not be refreshed, serving what is known: %s: %s", type(error).__name__, error)
