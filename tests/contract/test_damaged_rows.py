"""One row of the registry that cannot be read costs itself: routes, runners and jobs of all others go on."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage import registry
from storage.registry import DamagedRowError, Database, JobState, NewConnection, Role
from tests.support.jobs import new_job
from tidegate.registry_routes import RegistryRouteSource

DAMAGE = (
    "UPDATE versions SET manifest = substr(manifest, 1, 9) WHERE id = {version}",
    "UPDATE versions SET manifest = '[]' WHERE id = {version}",
    "UPDATE versions SET manifest = X'7B226D61736B223A5B22636166E9225D7D' WHERE id = {version}",
    "UPDATE versions SET manifest = CAST(X'7B226D61736B223A5B22636166E9225D7D' AS TEXT) WHERE id = {version}",
    "UPDATE versions SET manifest = '" + "[" * 100_000 + "' WHERE id = {version}",
    'UPDATE versions SET manifest = \'{{"idle_seconds": "soon"}}\' WHERE id = {version}',
    "UPDATE versions SET manifest = '{{\"replicas\": {{}}}}' WHERE id = {version}",
    "UPDATE versions SET input_schema = '7' WHERE id = {version}",
    "UPDATE versions SET created = 'yesterday' WHERE id = {version}",
    "UPDATE versions SET sha256 = CAST(X'E9E9' AS TEXT) WHERE id = {version}",
    "UPDATE deployments SET live_at = X'00000000' WHERE version_id = {version}",
    "UPDATE deployments SET addresses = '{{' WHERE version_id = {version}",
    "UPDATE models SET created = '0' WHERE name = 'bad'",
)


class Home:
    """A registry with two live models, and what reads it."""

    def __init__(self, folder: Path, empty: Path) -> None:
        self.path = Path(shutil.copy(empty, folder / "registry.sqlite"))
        self.dsn = f"sqlite:///{self.path}"
        self.database = Database(self.dsn)
        self.source = RegistryRouteSource(self.dsn, folder / "run")
        self.version, self.bad = self.deploy("bad")
        _, self.good = self.deploy("good")

    def deploy(self, name: str) -> tuple[int, str]:
        version = registry.create_version(
            self.database, name, artifact_url="file:///a", sha256="0" * 64, format="joblib", input_schema=None,
            manifest={"mask": ["card"]},
        )  # fmt: skip
        deployment = registry.create_deployment(self.database, version.id).id
        registry.switch_route(self.database, deployment)
        return version.id, deployment

    def damage(self, sql: str) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(sql)
            connection.execute("UPDATE registry_revision SET value = value + 1")
        connection.close()

    def close(self) -> None:
        self.source.close()
        self.database.close()


@pytest.fixture
def home(empty_registry: Path, tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path, empty_registry)
    yield opened
    opened.close()


@pytest.mark.parametrize("sql", DAMAGE, ids=range(len(DAMAGE)))
def test_the_other_deployments_are_routed_and_run(home: Home, sql: str, caplog: pytest.LogCaptureFixture) -> None:
    known = home.source.load()
    home.damage(sql.format(version=home.version))

    routes = home.source.load().routes
    damaged: dict[str, str] = {}
    wanted = registry.desired_runners(home.database, damaged)

    assert {route.deployment_id for route in routes} == {home.bad, home.good}, "what was known of it is served"
    assert set(routes) == set(known.routes)
    assert [one.deployment_id for one in wanted] == [home.good]
    assert damaged.keys() == {home.bad}
    assert home.bad in caplog.text
    with pytest.raises(DamagedRowError, match=home.bad):
        registry.desired_runners(home.database)  # whoever removes what is not wanted must know all of it
    fresh = RegistryRouteSource(home.dsn, home.path.parent)
    assert [route.deployment_id for route in fresh.load().routes] == [home.good]
    fresh.close()
    left_out: dict[str, str] = {}
    known_models = {model.name for model in registry.list_models(home.database, unreadable=left_out)}
    assert "good" in known_models
    assert "bad" in known_models or any("model bad" in reason for reason in left_out.values())
    assert all(reason.isascii() for reason in left_out.values()), "anybody can print it"


@pytest.mark.parametrize("sql", DAMAGE, ids=range(len(DAMAGE)))
def test_the_others_of_the_model_are_listed_and_another_deployment_takes_over(home: Home, sql: str) -> None:
    _, second = home.deploy("bad")
    home.damage(sql.format(version=home.version))
    unreadable: dict[str, str] = {}

    found = [one.id for one in registry.deployments_of(home.database, "bad", unreadable=unreadable)]

    assert {*found, *unreadable} == {home.bad, second}
    assert home.bad in unreadable
    assert f"row {home.bad} of deployments" in unreadable[home.bad]
    with pytest.raises(DamagedRowError, match="of deployments"):
        registry.deployments_of(home.database, "bad")
    registry.require_model(home.database, "bad")
    if "UPDATE models" not in sql:  # nothing of that model can be read then
        _, third = home.deploy("bad")
        routes = home.source.load().routes
        assert third in {route.deployment_id for route in routes}


@pytest.mark.parametrize("sql", DAMAGE, ids=range(len(DAMAGE)))
def test_what_is_over_is_found_beside_it(home: Home, sql: str) -> None:
    """The sweep and the announcer look at all models at once."""
    later = datetime.now(UTC) + timedelta(days=1)
    version = registry.list_models(home.database)[1].versions[0].id
    soon = later - timedelta(hours=1)
    for one in (home.version, version):
        registry.create_deployment(home.database, one, role=Role.PREVIEW, branch="b", expires=soon)
    good = registry.create_deployment(home.database, version)
    gone = registry.create_deployment(home.database, version)
    registry.retire_deployment(home.database, gone.id)
    registry.retire_deployment(home.database, home.bad)
    home.damage(sql.format(version=home.version))

    of_good = [one for one in registry.expired_previews(home.database, later) if one.model == "good"]
    assert len(of_good) == 1
    starting = registry.abandoned(home.database, lambda _: timedelta(0), later, held=timedelta(0))
    assert {good.id, of_good[0].id} <= {one.id for one in starting}
    ended = registry.ended_deployments(home.database, later - timedelta(days=2), later)
    assert gone.id in {one.id for one in ended}


@pytest.mark.parametrize("change", ["created = 'x'", "branch = CAST(X'E9' AS TEXT)", "path = CAST(X'E9' AS TEXT)"])
def test_a_connection_that_cannot_be_read_is_left_out(home: Home, change: str) -> None:
    for name in ("bad", "good"):
        new = NewConnection(repository="acme/models", workspace="default", model=name, branch="main", secret="s")
        registry.connect_github(home.database, new)
    home.damage(f"UPDATE github_connections SET {change} WHERE model = 'bad'")
    unreadable: dict[str, str] = {}

    found = registry.github_connections(home.database, "acme/models", unreadable)

    assert [one.model for one in found] == ["good"]
    assert "(model bad)" in next(iter(unreadable.values()))


def test_the_command_names_the_row_and_shows_the_others(empty_registry: Path, tmp_path: Path) -> None:
    home = Home(tmp_path, empty_registry)
    _, second = home.deploy("bad")
    home.damage(f"UPDATE deployments SET addresses = '{{' WHERE version_id = {home.version}")
    home.close()
    command = (sys.executable, "-m", "tidegate")
    environment = {**os.environ, "TIDEGATE_HOME": str(tmp_path), "TIDEGATE_DATABASE_URL": home.dsn}

    def tidegate(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)

    shown = tidegate("deployments", "bad", "--all")
    assert shown.returncode == 0, shown.stderr
    assert second in shown.stdout
    (line,) = shown.stderr.splitlines()
    assert f"Left out: row {home.bad} of deployments" in line
    assert "Deploy the model again" in line
    listed = json.loads(tidegate("deployments", "bad", "--all", "--json").stdout)
    assert [one["id"] for one in listed["deployments"]] == [second]
    assert home.bad in listed["unreadable"][0]


@pytest.mark.parametrize(
    "change", ["source = '{\"cut'", "source = '7'", "prepared = 'x'", "created = 'x'", "branch = CAST(X'E9' AS TEXT)"]
)
def test_a_job_that_cannot_be_read_is_set_aside(home: Home, change: str) -> None:
    bad, good = (registry.submit_job(home.database, new_job()) for _ in range(2))
    home.damage(f"UPDATE jobs SET {change} WHERE id = {bad.id}")
    damaged: dict[str, str] = {}
    left_out: dict[str, str] = {}

    assert registry.list_jobs(home.database, unreadable=left_out) == [good]
    assert left_out.keys() == {str(bad.id)}
    assert registry.unfinished_jobs(home.database, good.owner, damaged) == [good]
    assert damaged.keys() == {str(bad.id)}
    registry.held_folders(home.database)
    registry.set_job_aside(home.database, bad.id, damaged[str(bad.id)])

    assert registry.unfinished_jobs(home.database, good.owner) == [good]
    with sqlite3.connect(home.path) as connection:
        assert connection.execute(f"SELECT state FROM jobs WHERE id = {bad.id}").fetchone() == (JobState.FAILED,)
    connection.close()
