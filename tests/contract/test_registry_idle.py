"""Deployments that sleep, in the registry: who is put to sleep, who is woken, and what pollers hear of it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import registry
from storage.registry import Database
from tidegate.registry_routes import RegistryRouteSource

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "registry.sqlite"
    registry.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def dsn(empty: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(empty, tmp_path)}"


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    opened = Database(dsn)
    yield opened
    opened.close()


def live(database: Database, manifest: dict[str, object] | None = None) -> str:
    made = registry.create_version(
        database,
        "market",
        artifact_url="file:///a",
        sha256="0" * 64,
        format="joblib",
        input_schema=None,
        manifest=manifest or {"idle_seconds": 5.0},
    )
    return registry.switch_route(database, registry.create_deployment(database, made.id).id).id


def asleep(database: Database, deployment: str) -> bool:
    return registry.get_deployment(database, deployment).asleep


def test_telling_of_requests_is_no_news_to_pollers_until_somebody_wakes(database: Database) -> None:
    deployment = live(database)
    before = database.revision()
    assert registry.note_requests(database, [deployment], now=NOW) == []
    assert database.revision() == before
    assert registry.last_requests(database, [deployment]) == {deployment: NOW}
    assert registry.put_to_sleep(database, deployment, NOW)
    assert asleep(database, deployment)
    slept = database.revision()
    assert slept > before
    assert registry.note_requests(database, [deployment], now=NOW) == [deployment]
    assert not asleep(database, deployment)
    assert database.revision() > slept


def test_who_was_asked_in_the_meantime_is_not_put_to_sleep(database: Database) -> None:
    deployment = live(database)
    assert registry.last_requests(database, [deployment]) == {deployment: None}
    registry.note_requests(database, [deployment], now=NOW)
    assert not registry.put_to_sleep(database, deployment, None)
    registry.note_requests(database, [deployment], now=NOW + timedelta(seconds=1))
    assert not registry.put_to_sleep(database, deployment, NOW)
    assert not asleep(database, deployment)


def test_routes_and_wanted_runners_tell_who_sleeps(database: Database, dsn: str, tmp_path: Path) -> None:
    source = RegistryRouteSource(dsn, tmp_path)
    deployment = live(database)
    assert [(one.asleep, one.idle_seconds) for one in source.load().routes] == [(False, 5.0)]
    registry.put_to_sleep(database, deployment, None)
    assert [one.asleep for one in source.load().routes] == [True]
    assert [(one.asleep, one.idle_seconds) for one in registry.desired_runners(database)] == [(True, 5.0)]
    source.note_requests([deployment])
    assert [one.asleep for one in source.load().routes] == [False]
    source.close()


def test_who_gets_the_traffic_is_awake(database: Database) -> None:
    first, second = live(database), live(database)
    registry.put_to_sleep(database, first, None)
    assert registry.get_deployment(database, first).status is registry.Status.WARM
    assert asleep(database, first), "a warm one may sleep too"
    registry.set_traffic(database, {first: 1.0})
    assert not asleep(database, first)
    registry.retire_deployment(database, second)
    assert not registry.put_to_sleep(database, second, None), "what has ended cannot sleep"


def test_addresses_are_the_runners_until_they_are_forgotten(database: Database, dsn: str, tmp_path: Path) -> None:
    source = RegistryRouteSource(dsn, tmp_path, lambda key: f"token of {key}")
    deployment = live(database, {"replicas": 2})
    sockets = tuple(str(tmp_path / "r" / name / "s") for name in (deployment, f"{deployment}.1"))
    assert [(one.addresses, one.token) for one in source.load().routes] == [(sockets, None)]
    registry.set_addresses(database, deployment, ["tcp://10.0.0.1:8750"])
    assert [(one.addresses, one.token) for one in source.load().routes] == [
        (("tcp://10.0.0.1:8750",), f"token of {deployment}")
    ]
    registry.forget_addresses(database)
    before = database.revision()
    registry.forget_addresses(database)
    assert database.revision() == before, "there was nothing to forget"
    assert [(one.addresses, one.token) for one in source.load().routes] == [(sockets, None)]
    source.close()


def test_what_was_stored_before_has_one_replica_and_never_sleeps(database: Database) -> None:
    found = registry.get_deployment(database, live(database, {"mask": []}))
    assert (found.replicas, found.idle_seconds, found.asleep, found.addresses) == (1, None, False, None)
