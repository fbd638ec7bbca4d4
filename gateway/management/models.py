"""`GET /v1/models`: what is live here, with its input schema and an example to start from."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.management.openapi import instance_schema
from gateway.routing.routes import Route, RouteCache, predict_path
from model_runner.schema.schema import decode


class LiveModel(BaseModel):
    """One deployment that takes traffic."""

    workspace: str
    model: str
    version: int
    deployment_id: str
    role: str = Field(description="`primary`, `canary` or `preview`.")
    weight: float = Field(description="Share of the model's traffic, relative to its other deployments.")
    predict_path: str = Field(description="Where to POST instances.")
    input_schema: dict[str, Any] = Field(description="JSON Schema of one instance.")
    validated: bool = Field(description="Whether instances are checked against the schema.")
    positional: bool = Field(description="Whether an instance may be a list of values, in the order of `input_schema`.")
    example: dict[str, Any] | None = Field(description="A real instance.")


class LiveModels(BaseModel):
    """All of them."""

    models: list[LiveModel]
    previews: list[LiveModel] = Field(description="Of branches: each answers at a path of its own.")


def models_router(cache: RouteCache) -> APIRouter:
    """The routes of this file."""
    router = APIRouter(tags=["models"])

    @router.get("/v1/models")
    async def list_models() -> LiveModels:
        """The models that take traffic now."""
        table = cache.table
        return LiveModels(
            models=[_live(route) for routes in table.by_model.values() for route in routes],
            previews=[_live(route) for route in table.previews.values()],
        )

    return router


def _live(route: Route) -> LiveModel:
    return LiveModel(
        workspace=route.workspace,
        model=route.model,
        version=route.version,
        deployment_id=route.deployment_id,
        role=route.role,
        weight=route.weight,
        predict_path=predict_path(route.workspace, route.model, route.preview),
        input_schema=instance_schema(route),
        validated=route.schema_json is not None,
        positional=route.schema_json is not None and decode(route.schema_json).positional,
        example=route.example,
    )
