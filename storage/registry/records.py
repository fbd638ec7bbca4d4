"""What the registry hands out: plain values that hold no connection."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    PRIMARY = "primary"
    """Has the largest share of the model's traffic. At most one live deployment of a model is it."""
    CANARY = "canary"
    """Has a smaller share."""
    SHADOW = "shadow"
    """Gets copies of the requests; nobody waits for its answers."""
    PREVIEW = "preview"
    """Of a branch: it has a URL of its own and no share. It never becomes anything else."""


PRODUCTION = (Role.PRIMARY, Role.CANARY)
"""The roles whose answers the callers of a model get."""


class Status(StrEnum):
    STARTING = "starting"
    """Its runner is being started; no traffic yet."""
    LIVE = "live"
    WARM = "warm"
    """Gets no traffic; its runner stays up for a rollback."""
    FAILED = "failed"
    RETIRED = "retired"
    CANCELLED = "cancelled"
    """Called off while it was starting."""


WITH_RUNNER = (Status.STARTING, Status.LIVE, Status.WARM)


@dataclass(frozen=True)
class Version:
    """One immutable version of a model."""

    id: int
    workspace: str
    model: str
    number: int
    artifact_url: str
    sha256: str
    format: str
    input_schema: dict[str, Any] | None
    """None when the model is served unvalidated."""
    manifest: dict[str, Any]
    created: datetime


@dataclass(frozen=True)
class Profile:
    """What the traffic of a version is measured against."""

    id: str
    version_id: int
    content: dict[str, Any]
    n_rows: int
    source: str
    created: datetime


@dataclass(frozen=True)
class Deployment:
    """One version in one role, from its start to its end."""

    id: str
    workspace: str
    model: str
    version: int
    version_id: int
    profile_id: str | None
    role: Role
    status: Status
    weight: float
    """Share of the model's traffic, 0..1."""
    created: datetime
    live_at: datetime | None
    """Since when it has its role."""
    retired_at: datetime | None
    error: str | None
    served_at: datetime | None = None
    """When it last got, or gave up, a share of the model's traffic; None where it never had one."""
    branch: str | None = None
    """Of a preview."""
    slug: str | None = None
    """The branch as it stands in the preview's URL."""
    expires: datetime | None = None
    """When a preview ends by itself."""
    replicas: int = 1
    """Runners that it should have."""
    idle_seconds: float | None = None
    """Without a request for so long its runners are stopped; None never stops them."""
    asleep: bool = False
    """Its runners are stopped until the next request."""
    last_request_at: datetime | None = None
    """By the clock of a gateway, to the second or so; only where `idle_seconds` is set."""
    addresses: tuple[str, ...] | None = None
    """Where its runners answer; None: on the Unix sockets that are named after it."""


@dataclass(frozen=True)
class DesiredRunner:
    """A deployment whose runners should be up, unless it is asleep."""

    deployment_id: str
    workspace: str
    model: str
    version: int
    artifact_url: str
    sha256: str
    format: str
    input_schema: dict[str, Any] | None
    manifest: dict[str, Any]
    role: Role
    status: Status
    replicas: int = 1
    idle_seconds: float | None = None
    asleep: bool = False
    last_request_at: datetime | None = None


@dataclass(frozen=True)
class Model:
    """A model with its versions, oldest first, and the deployment that is its live primary (None before the first)."""

    workspace: str
    name: str
    created: datetime
    versions: tuple[Version, ...]
    live: Deployment | None


@dataclass(frozen=True)
class LiveRoute:
    """A live deployment as the gateway routes to it."""

    deployment: Deployment
    input_schema: dict[str, Any] | None
    manifest: dict[str, Any]
