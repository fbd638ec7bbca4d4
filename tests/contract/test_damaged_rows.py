"""One row of the registry that cannot be read costs itself: routes, runners and jobs of all others go on."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import registry
from storage.registry import DamagedRowError, Database, JobState
from storage.registry.routes import RegistryRouteSource
from tests.support.jobs import new_job

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

    def __init__(self, folder: Path) -> None:
        self.path = folder / "registry.sqlite"
        self.dsn = f"sqlite:///{self.path}"
        registry.upgrade(self.dsn)
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
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path)
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


def test_the_command_names_the_row_and_shows_the_others(tmp_path: Path) -> None:
    home = Home(tmp_path)
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
