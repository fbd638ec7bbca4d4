"""Shares, shadows, previews and rollbacks in the registry."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command

from storage import registry
from storage.registry import Database, DeploymentStateError, JobState, Role, Status
from storage.registry.migrate import alembic_config
from tests.support.jobs import new_job

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def version(database: Database, model: str = "market") -> int:
    made = registry.create_version(
        database, model, artifact_url="file:///a", sha256="0" * 64, format="joblib", input_schema=None, manifest={}
    )
    return made.id


def started(database: Database, minutes: float, role: Role = Role.PRIMARY, branch: str | None = None) -> str:
    """A deployment of a new version, not switched to."""
    return registry.create_deployment(database, version(database), role=role, branch=branch, now=at(minutes)).id


def live(database: Database, minutes: float) -> str:
    return registry.switch_route(database, started(database, minutes), now=at(minutes)).id


def standing(database: Database) -> dict[str, tuple[str, str, float]]:
    """Status, role and weight by deployment."""
    found = registry.deployments_of(database, "market")
    return {one.id: (one.status.value, one.role.value, one.weight) for one in found}


def rollback_to(database: Database) -> int | None:
    found = registry.before_the_live_one(registry.deployments_of(database, "market"))
    return None if found is None else found.version


def test_shares_add_up_and_the_largest_is_the_primary(database: Database) -> None:
    first, second = live(database, 0), live(database, 1)
    given = registry.set_traffic(database, {first: 10, second: 90}, now=at(2))
    assert [(one.id, one.role, one.weight) for one in given] == [
        (second, Role.PRIMARY, 0.9),
        (first, Role.CANARY, 0.1),
    ]
    assert registry.get_model(database, "market").live == given[0]
    assert {route.deployment.id for route in registry.live_routes(database)} == {first, second}


def test_of_equal_shares_the_primary_stays_it(database: Database) -> None:
    first, second = live(database, 0), live(database, 1)
    registry.set_traffic(database, {first: 1}, now=at(2))
    registry.set_traffic(database, {first: 1, second: 1}, now=at(3))
    assert standing(database) == {first: ("live", "primary", 0.5), second: ("live", "canary", 0.5)}


def test_who_loses_the_traffic_stays_warm_and_the_oldest_warm_one_ends(database: Database) -> None:
    first, second, third = live(database, 0), live(database, 1), live(database, 2)
    assert {key: status for key, (status, _, _) in standing(database).items()} == {
        first: "retired",
        second: "warm",
        third: "live",
    }
    fourth = started(database, 3)
    registry.set_traffic(database, {fourth: 1}, keep_warm=2, now=at(3))
    assert [status for status, _, _ in standing(database).values()] == ["live", "warm", "warm", "retired"]
    registry.set_traffic(database, {third: 1}, keep_warm=0, now=at(4))
    assert [status for status, _, _ in standing(database).values()] == ["retired", "live", "retired", "retired"]


@pytest.mark.parametrize(
    ("weights", "says"), [((0, 0), "at least one"), ((-1, 2), "from 0 on"), ((float("nan"), 1), "from 0 on")]
)
def test_weights_that_cannot_be_change_nothing(database: Database, weights: tuple[float, float], says: str) -> None:
    first, second = live(database, 0), live(database, 1)
    before = standing(database)
    with pytest.raises(ValueError, match=says):
        registry.set_traffic(database, dict(zip((first, second), weights, strict=True)))
    assert standing(database) == before


def test_a_rollback_goes_back_to_what_was_live_before_and_there_again(database: Database) -> None:
    assert rollback_to(database) is None
    first = live(database, 0)
    assert rollback_to(database) is None, "there is only one"
    second = live(database, 1)
    third = live(database, 2)
    assert rollback_to(database) == 2
    registry.set_traffic(database, {second: 1}, now=at(3))
    assert rollback_to(database) == 3
    registry.set_traffic(database, {third: 1}, now=at(4))
    assert rollback_to(database) == 2
    assert standing(database)[first][0] == "retired"


def test_a_rollback_of_a_canary_gives_everything_to_who_was_there_longest(database: Database) -> None:
    first, second = live(database, 0), live(database, 1)
    registry.set_traffic(database, {first: 10, second: 90}, now=at(2))
    assert rollback_to(database) == 2, "version 1 came back after it"
    canary = started(database, 3)
    registry.set_traffic(database, {second: 50, canary: 50}, now=at(3))
    assert rollback_to(database) == 2
    registry.set_traffic(database, {second: 10, canary: 90}, now=at(4))
    assert rollback_to(database) == 2, "also where the newcomer has the most by now"


def test_a_version_that_runs_anew_is_not_what_a_rollback_goes_to(database: Database) -> None:
    live(database, 0)
    second = registry.get_deployment(database, live(database, 1))
    again = registry.create_deployment(database, second.version_id, now=at(2))
    registry.switch_route(database, again.id, now=at(2))
    assert standing(database)[second.id][0] == "retired", "two runners of one version help nobody"
    assert rollback_to(database) == 1


def test_a_shadow_has_no_share_and_leaves_the_others_theirs(database: Database) -> None:
    primary, candidate = live(database, 0), started(database, 1, Role.SHADOW)
    registry.make_shadow(database, candidate, now=at(1))
    assert standing(database) == {primary: ("live", "primary", 1.0), candidate: ("live", "shadow", 1.0)}
    with pytest.raises(DeploymentStateError, match="has a share"):
        registry.make_shadow(database, primary)
    registry.end_shadow(database, candidate)
    assert standing(database)[candidate][0] == "retired", "it never served"
    with pytest.raises(DeploymentStateError, match="is no shadow"):
        registry.end_shadow(database, candidate)


def test_a_shadow_that_served_before_is_warm_again_after(database: Database) -> None:
    first, second = live(database, 0), live(database, 1)
    registry.make_shadow(database, first, now=at(2))
    assert standing(database)[second] == ("live", "primary", 1.0)
    registry.end_shadow(database, first, now=at(3))
    assert standing(database)[first][0] == "warm"
    assert rollback_to(database) == 1


def test_a_shadow_can_be_given_the_traffic(database: Database) -> None:
    first, candidate = live(database, 0), started(database, 1, Role.SHADOW)
    registry.make_shadow(database, candidate, now=at(1))
    registry.set_traffic(database, {candidate: 1}, now=at(2))
    assert standing(database) == {first: ("warm", "primary", 0.0), candidate: ("live", "primary", 1.0)}


def test_a_preview_takes_no_traffic_and_replaces_that_of_its_branch_alone(database: Database) -> None:
    primary = live(database, 0)
    one, other = (started(database, 1, Role.PREVIEW, branch) for branch in ("feature/x", "feature-x"))
    for preview in (one, other):
        registry.switch_route(database, preview, now=at(1))
    again = started(database, 2, Role.PREVIEW, "feature/x")
    registry.switch_route(database, again, now=at(2))
    assert {key: status for key, (status, _, _) in standing(database).items()} == {
        primary: "live",
        one: "retired",
        other: "live",
        again: "live",
    }
    model = registry.get_model(database, "market")
    assert model.live is not None
    assert model.live.id == primary
    assert rollback_to(database) is None
    assert registry.newest_served(registry.deployments_of(database, "market")) == 1
    with pytest.raises(DeploymentStateError, match="is a preview"):
        registry.set_traffic(database, {again: 1})
    with pytest.raises(ValueError, match="of a branch"):
        started(database, 3, Role.PREVIEW)
    for name in ("", "x" * 256):
        with pytest.raises(DeploymentStateError, match="1 to 255"):
            started(database, 3, Role.PREVIEW, name)


def abandoned(database: Database, now: datetime) -> list[str]:
    five, day = timedelta(minutes=5), timedelta(days=1)
    return [one.id for one in registry.abandoned(database, lambda _: five, now, held=day)]


def test_a_start_that_a_job_holds_is_not_abandoned_while_the_job_lives(database: Database) -> None:
    """A push of two branches waits with the first for the second; git may take its time with both."""
    job = registry.submit_job(database, new_job(), now=at(0))
    made = registry.create_deployment(database, version(database), now=at(0))
    registry.begin_job(database, job.id, made.id)
    registry.prepare_job(database, job.id, {"version": 1, "closing": []})
    assert abandoned(database, at(300)) == []
    assert abandoned(database, at(24 * 60)) == [made.id], "a deployer that never comes back holds nothing for ever"
    registry.end_job(database, job.id, JobState.FAILED)
    assert abandoned(database, at(5)) == [made.id]


def test_previews_expire_and_starts_are_abandoned_in_their_time(database: Database) -> None:
    made = registry.create_deployment(
        database, version(database), role=Role.PREVIEW, branch="b", expires=at(60), now=at(0)
    )
    assert registry.expired_previews(database, at(59)) == []
    assert [one.id for one in registry.expired_previews(database, at(60))] == [made.id]
    assert abandoned(database, at(4)) == []
    assert abandoned(database, at(5)) == [made.id]
    registry.switch_route(database, made.id)
    assert abandoned(database, at(5)) == []
    registry.retire_deployment(database, made.id)
    assert registry.expired_previews(database, at(90)) == []


def test_only_what_is_starting_can_be_cancelled_and_it_stays_cancelled(database: Database) -> None:
    primary, starting = live(database, 0), started(database, 1)
    with pytest.raises(DeploymentStateError, match="tidegate rollback"):
        registry.cancel_deployment(database, primary)
    registry.cancel_deployment(database, starting, now=at(2))
    registry.fail_deployment(database, starting, "its runner was not there")
    found = registry.get_deployment(database, starting)
    assert (found.status, found.error) == (Status.CANCELLED, None)
    assert [one.deployment_id for one in registry.desired_runners(database)] == [primary]
    with pytest.raises(DeploymentStateError, match="cancelled"):
        registry.switch_route(database, starting)
    assert standing(database)[primary] == ("live", "primary", 1.0)


def test_a_late_switch_does_not_undo_an_earlier_one(database: Database) -> None:
    first, second = live(database, 0), live(database, 1)
    registry.set_traffic(database, {first: 1}, expected=[second], now=at(2))
    with pytest.raises(registry.RouteChangedError):
        registry.set_traffic(database, {second: 1}, expected=[second], now=at(3))
    assert standing(database)[first][0] == "live"


def test_shares_of_two_models_cannot_be_mixed(database: Database) -> None:
    mine = live(database, 0)
    other = registry.create_deployment(database, version(database, "other")).id
    with pytest.raises(DeploymentStateError, match="several models"):
        registry.set_traffic(database, {mine: 1, other: 1})


def test_what_was_live_before_the_upgrade_can_be_rolled_back_to(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path / 'old.sqlite'}"
    database = Database(dsn)
    with database.engine.execution_options(registry_begin="BEGIN IMMEDIATE").begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        rows = (("d1", 1, "warm", "2026-01-31 12:00:00"), ("d2", 2, "live", "2026-01-31 13:00:00"))
        connection.exec_driver_sql("INSERT INTO models VALUES (1, 'default', 'market', '2026-01-31 11:00:00')")
        for name, number, status, moment in rows:
            connection.exec_driver_sql(
                "INSERT INTO versions VALUES (?, 1, ?, 'file:///a', '0', 'joblib', NULL, '{}', ?)",
                (number, number, moment),
            )
            connection.exec_driver_sql(
                "INSERT INTO deployments VALUES (?, ?, NULL, 'primary', ?, 1.0, ?, ?, NULL, NULL)",
                (name, number, status, moment, moment),
            )
    registry.upgrade(dsn)
    assert rollback_to(database) == 1
    registry.set_traffic(database, {"d1": 1})
    assert {key: status for key, (status, _, _) in standing(database).items()} == {"d1": "live", "d2": "warm"}
    database.close()
