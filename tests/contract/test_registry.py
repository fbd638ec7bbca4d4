"""The registry on SQLite, and on PostgreSQL where TIDEGATE_TEST_POSTGRES names an empty database."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from storage import registry
from storage.registry import Database, Role, Status
from storage.registry.tables import Base

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def _dsns() -> list[str]:
    given = os.environ.get("TIDEGATE_TEST_POSTGRES")
    return ["sqlite", given] if given else ["sqlite"]


@pytest.fixture(params=_dsns(), ids=lambda dsn: dsn.split(":")[0])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    dsn = f"sqlite:///{tmp_path / 'home' / 'registry.sqlite'}" if request.param == "sqlite" else request.param
    registry.upgrade(dsn)
    opened = Database(dsn)
    yield opened
    if request.param != "sqlite":
        Base.metadata.drop_all(opened.engine)
        with opened.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")
    opened.close()


def _version(database: Database, model: str = "electricity") -> registry.Version:
    return registry.create_version(
        database,
        model,
        artifact_url="file:///a/1",
        sha256="0" * 64,
        format="joblib",
        input_schema={"features": [{"name": "price", "type": "number"}]},
        manifest={"name": model},
        now=NOW,
    )


def _live(database: Database, minutes: int, role: Role = Role.PRIMARY) -> str:
    deployment = registry.create_deployment(database, _version(database).id, role=role, now=NOW)
    return registry.switch_route(database, deployment.id, now=NOW + timedelta(minutes=minutes)).id


def _statuses(database: Database) -> dict[str, Status]:
    return {found.id: found.status for found in registry.deployments_of(database, "electricity")}


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        inspector = inspect(connection)
        for table in Base.metadata.tables.values():
            expected = {str(check.name) for check in table.constraints if type(check).__name__ == "CheckConstraint"}
            assert {check["name"] for check in inspector.get_check_constraints(table.name)} == expected


def test_upgrading_again_changes_nothing(database: Database) -> None:
    made = _version(database)
    registry.upgrade(database.engine.url.render_as_string(hide_password=False))
    assert registry.get_version(database, "electricity", 1) == made


def test_versions_count_up_per_model(database: Database) -> None:
    assert [_version(database).number, _version(database).number, _version(database, "other").number] == [1, 2, 1]
    assert [found.name for found in registry.list_models(database)] == ["electricity", "other"]


def test_an_unknown_model_names_the_nearest(database: Database) -> None:
    _version(database)
    with pytest.raises(registry.UnknownModelError, match="did you mean 'electricity'") as raised:
        registry.get_model(database, "electrcity")
    assert raised.value.nearest == ["electricity"]


def test_an_unknown_version_says_which_there_are(database: Database) -> None:
    _version(database)
    with pytest.raises(registry.UnknownVersionError, match="from 1 to 1"):
        registry.get_version(database, "electricity", 7)


def test_a_switch_keeps_one_previous_primary_warm(database: Database) -> None:
    first, second, third = (_live(database, minutes) for minutes in (0, 1, 2))
    assert _statuses(database) == {third: Status.LIVE, second: Status.WARM, first: Status.RETIRED}
    model = registry.get_model(database, "electricity")
    assert model.live is not None
    assert (model.live.id, model.live.version, model.live.live_at) == (third, 3, NOW + timedelta(minutes=2))


def test_a_rollback_is_a_switch_to_the_warm_one(database: Database) -> None:
    first, second = (_live(database, minutes) for minutes in (0, 1))
    registry.switch_route(database, first, now=NOW + timedelta(minutes=5))
    assert _statuses(database) == {first: Status.LIVE, second: Status.WARM}


def test_a_canary_leaves_the_primary_live(database: Database) -> None:
    primary, canary = _live(database, 0), _live(database, 1, Role.CANARY)
    assert _statuses(database) == {primary: Status.LIVE, canary: Status.LIVE}
    model = registry.get_model(database, "electricity")
    assert model.live is not None
    assert model.live.id == primary


def test_runners_are_wanted_from_start_to_end(database: Database) -> None:
    live = _live(database, 0)
    starting = registry.create_deployment(database, _version(database).id, now=NOW + timedelta(minutes=1)).id
    wanted = registry.desired_runners(database)
    assert [(runner.deployment_id, runner.status) for runner in wanted] == [
        (live, Status.LIVE),
        (starting, Status.STARTING),
    ]
    assert (wanted[0].artifact_url, wanted[0].model, wanted[0].version) == ("file:///a/1", "electricity", 1)
    registry.fail_deployment(database, starting, "the model did not load", now=NOW)
    assert [runner.deployment_id for runner in registry.desired_runners(database)] == [live]
    assert registry.get_deployment(database, starting).error == "the model did not load"


def test_a_failed_deployment_gets_no_traffic(database: Database) -> None:
    deployment = registry.create_deployment(database, _version(database).id)
    registry.fail_deployment(database, deployment.id, "no")
    with pytest.raises(registry.DeploymentStateError, match="deploy its version again"):
        registry.switch_route(database, deployment.id)
    assert registry.live_routes(database) == []


def test_a_profile_is_immutable(database: Database) -> None:
    version = _version(database)
    saved = registry.save_profile(database, version.id, "p1", {"bins": [1.5]}, n_rows=10, source="reference", now=NOW)
    assert registry.save_profile(database, version.id, "p1", {"bins": [1.5]}, n_rows=10, source="reference") == saved
    with pytest.raises(registry.ProfileExistsError):
        registry.save_profile(database, version.id, "p1", {"bins": [2.5]}, n_rows=10, source="reference")
    later = NOW + timedelta(hours=1)
    registry.save_profile(database, version.id, "p2", {"bins": []}, n_rows=5, source="first_events", now=later)
    newest = registry.get_profile(database, version.id)
    assert newest is not None
    assert newest.id == "p2"
    assert registry.get_profile(database, version.id, "p1") == saved


def test_every_write_and_no_read_moves_the_revision(database: Database) -> None:
    before = database.revision()
    live = _live(database, 0)
    written = database.revision()
    registry.list_models(database)
    registry.desired_runners(database)
    assert (written, database.revision()) == (before + 3, before + 3)
    registry.retire_deployment(database, live)
    assert database.revision() == before + 4


def test_a_refused_write_leaves_nothing(database: Database) -> None:
    before = database.revision()
    with pytest.raises(registry.UnknownVersionError):
        registry.create_deployment(database, 12345)
    assert (database.revision(), registry.desired_runners(database)) == (before, [])
