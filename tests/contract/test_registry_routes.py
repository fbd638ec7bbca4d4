"""The gateway's routes follow the registry, and cost one tiny query while it does not change."""

from pathlib import Path

import msgspec
import pytest

from storage import registry
from tidegate.registry_routes import RegistryRouteSource

SCHEMA = {"features": [{"name": "price", "kind": "numeric"}], "source": "model", "v": 1}


def _deploy(database: registry.Database) -> str:
    version = registry.create_version(
        database,
        "electricity",
        artifact_url="file:///a",
        sha256="0" * 64,
        format="joblib",
        input_schema=SCHEMA,
        manifest={"mask": ["card"], "example": {"price": 1.5}},
    )
    return registry.create_deployment(database, version.id).id


def test_routes_are_the_live_deployments(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    registry.upgrade(dsn)
    database, source = registry.Database(dsn), RegistryRouteSource(dsn, tmp_path / "run")
    first = _deploy(database)
    assert source.load().routes == (), "it is not live yet"
    registry.switch_route(database, first)
    table = source.load()
    route = table.routes[0]
    assert (route.model, route.version, route.deployment_id) == ("electricity", 1, first)
    assert (route.role, route.weight, route.mask, route.example) == ("primary", 1.0, ("card",), {"price": 1.5})
    assert route.addresses == (str(tmp_path / "run" / "r" / first / "s"),)
    assert msgspec.json.decode(route.schema_json or "") == SCHEMA
    assert source.load() is table
    second = _deploy(database)
    registry.switch_route(database, second)
    assert [found.deployment_id for found in source.load().routes] == [second]
    source.close()
    database.close()


def test_a_registry_that_was_never_migrated_is_an_error(tmp_path: Path) -> None:
    source = RegistryRouteSource(f"sqlite:///{tmp_path / 'registry.sqlite'}", tmp_path)
    with pytest.raises(Exception, match="registry_revision"):
        source.load()
    source.close()
