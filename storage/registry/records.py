"""What the registry hands out: plain values that hold no connection."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

DEFAULT_WORKSPACE = "default"


class Role(StrEnum):
    PRIMARY = "primary"
    CANARY = "canary"
    SHADOW = "shadow"


class Status(StrEnum):
    STARTING = "starting"
    """Its runner is being started; no traffic yet."""
    LIVE = "live"
    WARM = "warm"
    """Gets no traffic; its runner stays up for a rollback."""
    FAILED = "failed"
    RETIRED = "retired"


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
    retired_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class DesiredRunner:
    """A runner process that should be up."""

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
