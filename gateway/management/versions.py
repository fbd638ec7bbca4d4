"""The management API of models, versions and deployments, under /api/v1.

Who may ask is decided before (gateway/front_door.py).
"""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.security import HTTPBearer

from gateway.management.contract import (
    Changed,
    Deployments,
    DeploymentView,
    Management,
    Models,
    ModelView,
    OneVersionBody,
    ScaleBody,
    TrafficBody,
    VersionBody,
    Versions,
)
from gateway.management.errors import error_responses
from model_runner.names import DEFAULT_WORKSPACE

PREFIX = "/api/v1"
Workspace = Annotated[str, Query(description="The model's workspace.")]
Model = Annotated[str, Path(description="The model's name.", examples=["electricity"])]
DeploymentId = Annotated[str, Path(description="The deployment's id.", examples=["d66161ad04942"])]
_declared = HTTPBearer(auto_error=False, description="The token that `tidegate up` shows.")
"""For the document alone: the token is checked before a body is read."""


def versions_router(management: Management) -> APIRouter:
    """All operations."""
    router = APIRouter(prefix=PREFIX, tags=["versions"], dependencies=[Depends(_declared)])
    _add_reading(router, management)
    _add_moves(router, management)
    _add_shares(router, management)
    _add_deployments(router, management)
    return router


def _add_reading(router: APIRouter, management: Management) -> None:
    @router.get("/models", responses=error_responses(401))
    async def list_models(workspace: Workspace = DEFAULT_WORKSPACE) -> Models:
        """Every model, by name."""
        return await asyncio.to_thread(management.models, workspace)

    @router.get("/models/{model}", responses=error_responses(401, 404))
    async def get_model(model: Model, workspace: Workspace = DEFAULT_WORKSPACE) -> ModelView:
        """A model, and who answers for it."""
        return await asyncio.to_thread(management.model, workspace, model)

    @router.get("/models/{model}/versions", responses=error_responses(401, 404))
    async def list_versions(model: Model, workspace: Workspace = DEFAULT_WORKSPACE) -> Versions:
        """Its versions, the newest first."""
        return await asyncio.to_thread(management.versions, workspace, model)

    @router.get("/models/{model}/deployments", responses=error_responses(401, 404))
    async def list_deployments(model: Model, workspace: Workspace = DEFAULT_WORKSPACE) -> Deployments:
        """Its deployments, the newest first: also those that have ended."""
        return await asyncio.to_thread(management.deployments, workspace, model)

    @router.get("/deployments/{deployment_id}", responses=error_responses(401, 404))
    async def get_deployment(deployment_id: DeploymentId) -> DeploymentView:
        """One deployment: what to poll after a 202."""
        return await asyncio.to_thread(management.deployment, deployment_id)


def _change_responses() -> dict[int | str, dict[str, Any]]:
    responses = error_responses(401, 404, 409, 422, 503)
    responses[202] = {
        "model": Changed,
        "description": "A runner is being started; the switch follows. Poll `Location`",
    }
    return responses


def _add_moves(router: APIRouter, management: Management) -> None:
    """All the traffic to one version."""
    responses = _change_responses()

    @router.post("/models/{model}/rollback", responses=responses)
    async def rollback(
        model: Model, response: Response, body: VersionBody | None = None, workspace: Workspace = DEFAULT_WORKSPACE
    ) -> Changed:
        """Give all the traffic to a version, by default to the one that was live before."""
        version = None if body is None else body.version
        return _told(await asyncio.to_thread(management.rollback, workspace, model, version), response)

    @router.post("/models/{model}/promote", responses=responses)
    async def promote(
        model: Model, response: Response, body: VersionBody | None = None, workspace: Workspace = DEFAULT_WORKSPACE
    ) -> Changed:
        """Give all the traffic to a version, by default to the only canary or shadow."""
        version = None if body is None else body.version
        return _told(await asyncio.to_thread(management.promote, workspace, model, version), response)

    @router.post("/models/{model}/redeploy", responses=responses)
    async def redeploy(
        model: Model, response: Response, body: VersionBody | None = None, workspace: Workspace = DEFAULT_WORKSPACE
    ) -> Changed:
        """Start a new runner of a version, without building it anew, by default of the newest that was ever live.

        It takes the place of the version's live deployment; where it has none, it gets all the traffic.
        """
        version = None if body is None else body.version
        return _told(await asyncio.to_thread(management.redeploy, workspace, model, version), response)


def _add_shares(router: APIRouter, management: Management) -> None:
    """Traffic in shares, and copies of it."""
    responses = _change_responses()

    @router.post("/models/{model}/traffic", responses=responses)
    async def traffic(
        model: Model, body: TrafficBody, response: Response, workspace: Workspace = DEFAULT_WORKSPACE
    ) -> Changed:
        """Share the traffic out, in one step."""
        weights = {share.version: share.weight for share in body.shares}
        return _told(await asyncio.to_thread(management.traffic, workspace, model, weights), response)

    @router.post("/models/{model}/shadow", responses=responses)
    async def shadow(
        model: Model, body: OneVersionBody, response: Response, workspace: Workspace = DEFAULT_WORKSPACE
    ) -> Changed:
        """Send a version copies of the requests. Callers neither wait for it nor see its answers."""
        return _told(await asyncio.to_thread(management.shadow, workspace, model, body.version), response)

    @router.delete("/models/{model}/shadow", responses=error_responses(401, 404, 409, 422))
    async def end_shadow(
        model: Model,
        version: Annotated[int | None, Query(ge=1, description="By default every shadow of the model.")] = None,
        workspace: Workspace = DEFAULT_WORKSPACE,
    ) -> Changed:
        """Send no more copies."""
        return await asyncio.to_thread(management.end_shadow, workspace, model, version)


def _add_deployments(router: APIRouter, management: Management) -> None:
    @router.post("/models/{model}/scale", responses=error_responses(401, 404, 409, 422))
    async def scale(model: Model, body: ScaleBody, workspace: Workspace = DEFAULT_WORKSPACE) -> Changed:
        """Give the live deployments so many runners. New ones get requests once they are ready."""
        return await asyncio.to_thread(management.scale, workspace, model, body.replicas, body.version)

    @router.post("/deployments/{deployment_id}/cancel", responses=error_responses(401, 404, 409))
    async def cancel(deployment_id: DeploymentId) -> DeploymentView:
        """Call off a deployment that is starting."""
        return await asyncio.to_thread(management.cancel, deployment_id)


def _told(changed: Changed, response: Response) -> Changed:
    if not changed.done:
        response.status_code = 202
        response.headers["Location"] = f"{PREFIX}/deployments/{changed.starting[0].id}"
    return changed
