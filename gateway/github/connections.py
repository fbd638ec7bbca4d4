"""The management API of connections to GitHub, under /api/v1/github.

Who may ask is decided before (gateway/front_door.py).
"""

import asyncio
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.management.errors import error_responses
from gateway.management.versions import PREFIX
from model_runner.names import DEFAULT_WORKSPACE

_declared = HTTPBearer(auto_error=False, description="The token that `tidegate up` shows.")


class ConnectionView(BaseModel):
    """A repository on GitHub, and the model that its pushes deploy. No secret is ever shown."""

    id: int = Field(description="0 is the connection of the settings.")
    repository: str
    workspace: str
    model: str
    branch: str = Field(description="Whose pushes go live.")
    path: str = Field(description="Folder within the repository; empty for all of it.")
    clone_url: str | None = Field(description="Where commits are fetched from; null is the repository on GitHub.")
    previews: bool
    has_token: bool
    has_deploy_key: bool
    created: datetime | None = Field(description="Null for the connection of the settings.")


class Connections(BaseModel):
    connections: list[ConnectionView]
    unreadable: list[str] = Field(
        default_factory=list, description="Those that are left out: their rows in the registry are damaged; why."
    )


class Connected(BaseModel):
    connection: ConnectionView
    secret: str | None = Field(
        description="To paste into the webhook; shown this once. Null where the repository's webhook has it already."
    )
    hook_path: str = Field(description="Of the webhook's URL.")


class ConnectBody(BaseModel):
    """What to deploy from where. A model has one connection: another takes its place."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"repository": "acme/models", "model": "loans", "path": "models/loans"}]},
    )

    repository: str = Field(max_length=255, description="`owner/name`")
    model: str = Field(max_length=127)
    workspace: str = Field(default=DEFAULT_WORKSPACE, max_length=63)
    branch: str | None = Field(default=None, max_length=200, description="By default the production branch.")
    path: str = Field(default="", max_length=1000)
    clone_url: str | None = Field(default=None, max_length=1100, description="https or ssh.")
    previews: bool = False
    secret: SecretStr | None = Field(default=None, description="Of the webhook; made where there is none.")
    token: SecretStr | None = None
    deploy_key: SecretStr | None = Field(default=None, description="The private key itself.")


class GithubManagement(Protocol):
    """Does it. Every method may block, and raises Refusal."""

    def list(self) -> Connections: ...
    def connect(self, body: ConnectBody) -> Connected: ...
    def disconnect(self, number: int) -> ConnectionView: ...


def github_connections_router(management: GithubManagement) -> APIRouter:
    """All operations."""
    router = APIRouter(prefix=f"{PREFIX}/github/connections", tags=["github"], dependencies=[Depends(_declared)])

    @router.get("", responses=error_responses(401))
    async def list_connections() -> Connections:
        """Every connection, by repository."""
        return await asyncio.to_thread(management.list)

    @router.post("", status_code=201, responses=error_responses(401, 422))
    async def connect(body: ConnectBody) -> Connected:
        """Deploy a model when somebody pushes to a repository on GitHub."""
        return await asyncio.to_thread(management.connect, body)

    @router.delete("/{connection}", responses=error_responses(401, 404))
    async def disconnect(connection: Annotated[int, Path(ge=1)]) -> ConnectionView:
        """Deploy it no more. What is live stays."""
        return await asyncio.to_thread(management.disconnect, connection)

    return router
