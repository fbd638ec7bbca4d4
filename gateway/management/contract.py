"""What the management API shows and does: its values, and who does it (`tidegate/management/versions.py`)."""

from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

_DEPLOYMENT: dict[str, Any] = {
    "id": "d66161ad04942",
    "workspace": "default",
    "model": "electricity",
    "version": 7,
    "role": "primary",
    "status": "live",
    "weight": 0.9,
    "replicas": 1,
    "asleep": False,
    "last_request_at": None,
    "predict_path": "/v1/models/electricity/predict",
    "profile_id": "p-7f3a",
    "branch": None,
    "expires": None,
    "created": "2026-11-25T10:00:00Z",
    "live_at": "2026-11-25T10:00:03Z",
    "served_at": "2026-11-25T10:00:03Z",
    "retired_at": None,
    "error": None,
}


class DeploymentView(BaseModel):
    """One version in one role, from its start to its end."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DEPLOYMENT]})

    id: str
    workspace: str
    model: str
    version: int
    role: str = Field(description="`primary`, `canary`, `shadow` or `preview`.")
    status: str = Field(description="`starting`, `live`, `warm`, `retired`, `failed` or `cancelled`.")
    weight: float = Field(description="Share of the model's traffic, 0 to 1; of a shadow, share of it that is copied.")
    replicas: int = Field(description="Runners that it should have.")
    asleep: bool = Field(description="Whether its runners are stopped until it is asked.")
    last_request_at: datetime | None = Field(description="To the second; only where `[serving] idle_seconds` is set.")
    predict_path: str | None = Field(description="Where to POST instances; null while it takes none.")
    profile_id: str | None = Field(description="What its traffic is compared with.")
    branch: str | None = Field(description="Of a preview.")
    expires: datetime | None = Field(description="When a preview ends by itself.")
    created: datetime
    live_at: datetime | None = Field(description="Since when it has its role.")
    served_at: datetime | None = Field(description="When it last got or gave up a share of the traffic.")
    retired_at: datetime | None
    error: str | None = Field(description="Why it failed.")


class VersionView(BaseModel):
    """One immutable version."""

    version: int
    format: str
    sha256: str = Field(description="Of its files.")
    created: datetime


class ModelView(BaseModel):
    """A model, and who answers for it."""

    workspace: str
    model: str
    created: datetime
    versions: int = Field(description="How many there are.")
    live_version: int | None = Field(description="Of the primary; null before the first.")
    traffic: list[DeploymentView] = Field(description="Those with a share of the traffic, the largest first.")


class Models(BaseModel):
    models: list[ModelView]
    unreadable: list[str] = Field(
        default_factory=list, description="Models that are left out: their rows in the registry are damaged; why."
    )


class Versions(BaseModel):
    versions: list[VersionView] = Field(description="The newest first.")


class Deployments(BaseModel):
    deployments: list[DeploymentView] = Field(description="The newest first.")
    unreadable: list[str] = Field(
        default_factory=list, description="Those that are left out: their rows in the registry are damaged; why."
    )


class Changed(BaseModel):
    """What came of a change."""

    done: bool = Field(description="False: a runner is being started first; nothing has been switched yet.")
    summary: str = Field(description="One sentence for people.")
    starting: list[DeploymentView] = Field(description="What is waited for: poll these until they are live or failed.")
    traffic: list[DeploymentView] = Field(description="Who has a share of the traffic now, the largest first.")
    shadows: list[DeploymentView] = Field(description="Who gets copies now.")
    warnings: list[str] = Field(description="What did not work beside it.")


class VersionBody(BaseModel):
    """Which version; each operation says what is meant without one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 6}, {}]})

    version: int | None = Field(default=None, ge=1)


class OneVersionBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 8}]})

    version: int = Field(ge=1)


class Share(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    weight: float = Field(ge=0, le=1e9, description="Only proportions matter: 90 and 10 are the same as 0.9 and 0.1.")


class TrafficBody(BaseModel):
    """All the traffic; a version that is not named gets none."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"shares": [{"version": 7, "weight": 90}, {"version": 6, "weight": 10}]}]},
    )

    shares: list[Share] = Field(min_length=1, max_length=20)


class ScaleBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"replicas": 3}]})

    replicas: int = Field(ge=1, le=64)
    version: int | None = Field(
        default=None, ge=1, description="By default every version that is live, but no preview."
    )


class Management(Protocol):
    """Does it. Every method may block for as long as a warm runner takes to answer, and raises Refusal."""

    def models(self, workspace: str) -> Models: ...
    def model(self, workspace: str, model: str) -> ModelView: ...
    def versions(self, workspace: str, model: str) -> Versions: ...
    def deployments(self, workspace: str, model: str) -> Deployments: ...
    def deployment(self, deployment_id: str) -> DeploymentView: ...
    def rollback(self, workspace: str, model: str, version: int | None) -> Changed: ...
    def promote(self, workspace: str, model: str, version: int | None) -> Changed: ...
    def redeploy(self, workspace: str, model: str, version: int | None) -> Changed: ...
    def traffic(self, workspace: str, model: str, weights: dict[int, float]) -> Changed: ...
    def shadow(self, workspace: str, model: str, version: int) -> Changed: ...
    def end_shadow(self, workspace: str, model: str, version: int | None) -> Changed: ...
    def scale(self, workspace: str, model: str, replicas: int, version: int | None) -> Changed: ...
    def cancel(self, deployment_id: str) -> DeploymentView: ...
