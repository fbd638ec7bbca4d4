"""A path that is none leads to the one that was meant."""

import pytest

from gateway.routing.known_paths import hint
from gateway.routing.routes import Route, RouteTable

OTHERS = ["/v1/models", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/api/v1/models/{model}/traffic"]


def table(*models: str) -> RouteTable:
    named = [name.rpartition("/") for name in models]
    return RouteTable(
        tuple(
            Route(workspace=workspace or "default", model=model, version=1, deployment_id=model, addresses=())
            for workspace, _, model in named
        )
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/two:predict",
        "/v1/models/two",
        "/v1/models/two/versions/3:predict",
        "/v2/models/two/infer",
        "/v1/models/Two/Predict",
        "//v1/models/two/predict",
        "/models/two/predict",
        "/v1/models/tow/infer",
        "/predictions/two",
        "/v1/projects/p/locations/l/endpoints/two:predict",
        "/seldon/ns/two/api/v1.0/predictions",
        "/two",
    ],
)
def test_the_model_in_it_is_found(path: str) -> None:
    assert hint(path, table("two", "other"), OTHERS) == "Did you mean POST /v1/models/two/predict?"


@pytest.mark.parametrize("path", ["/invocations", "/predict", "/v1/predict", "/api/v1.0/predictions", "/v2/infer"])
def test_the_only_model_is_meant_by_whoever_predicts(path: str) -> None:
    assert hint(path, table("two")) == "Did you mean POST /v1/models/two/predict?"
    assert "/v1/models/two/predict" in hint(path, table("two", "one"))
    assert "/v1/models/one/predict" in hint(path, table("two", "one"))


def test_a_workspace_that_is_named_is_kept() -> None:
    known = table("two", "team/two")
    assert "POST /v1/workspaces/team/models/two/predict?" in hint("/v1/workspaces/team/models/two:predict", known)
    assert "POST /v1/models/two/predict?" in hint("/v1/models/two:predict", known)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/health", "/healthz"),
        ("/ready", "/readyz"),
        ("/metric", "/metrics"),
        ("/v1/model", "/v1/models"),
        ("/openapi.yaml", "/openapi.json"),
    ],
)
def test_other_paths_are_named_by_their_looks(path: str, meant: str) -> None:
    assert hint(path, table("two", "one"), OTHERS) == f"Did you mean {meant}?"


def test_where_nothing_is_like_it_the_form_is_shown() -> None:
    assert hint("/", RouteTable(), OTHERS) == "Predictions are at POST /v1/models/{model}/predict"
    many = table(*(f"m{number}" for number in range(50)))
    assert hint("/wp-login.php", many, OTHERS).endswith("; GET /v1/models lists all")
    assert len(hint("/" + "a/" * 100_000, many, OTHERS)) < 300
