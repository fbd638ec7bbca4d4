"""The OpenAPI document: the management API, and for each live model its own typed operation with its example."""

from typing import Any

from gateway.routing.routes import Route, RouteTable, predict_path
from model_runner.schema import schema as schema_codec

_ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}


def with_models(base: dict[str, Any], table: RouteTable) -> dict[str, Any]:
    """A copy of the document with a path for each model that takes traffic, and for each preview."""
    paths = dict(base["paths"])
    chosen = [max(routes, key=lambda route: route.weight) for _, routes in sorted(table.by_model.items())]
    for route in [*chosen, *(route for _, route in sorted(table.previews.items()))]:
        paths[predict_path(route.workspace, route.model, route.preview)] = {"post": _operation(route)}
    return {**base, "paths": paths}


def instance_schema(route: Route) -> dict[str, Any]:
    """JSON Schema of one instance; any object where the model serves unvalidated."""
    if route.schema_json is None:
        return _ANY_OBJECT
    return schema_codec.json_schema(schema_codec.decode(route.schema_json))


def _operation(route: Route) -> dict[str, Any]:
    one = instance_schema(route)
    many = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": one, "minItems": 1}},
        "required": ["instances"],
        "additionalProperties": False,
    }
    content: dict[str, Any] = {"schema": {"oneOf": [one, many]}}
    if route.example is not None:
        content["examples"] = {
            "one": {"summary": "One instance", "value": route.example},
            "many": {"summary": "Many instances", "value": {"instances": [route.example]}},
        }
    return {
        "tags": ["predict"],
        "operationId": "_".join(filter(None, ["predict", route.workspace, route.model, route.preview])).replace(
            "-", "_"
        ),
        "summary": f"Predict with {route.model} (version {route.version}{_of_branch(route)})",
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "200": {"description": "The predictions, one per instance", "content": _json(_answer_schema())},
            "default": {"description": "Why there is no prediction", "content": _json(_error_schema())},
        },
    }


def _of_branch(route: Route) -> str:
    return "" if route.preview is None else f", preview {route.preview}"


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": {}, "description": "For a request with instances"},
            "prediction": {"description": "For a request of one bare object"},
            "model": {"type": "string"},
            "version": {"type": "integer"},
            "deployment_id": {"type": "string"},
            "request_id": {"type": "string"},
        },
        "required": ["model", "version", "deployment_id", "request_id"],
    }


def _error_schema() -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["code", "message", "details"],
    }
    properties = {"error": error, "request_id": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": ["error", "request_id"]}
