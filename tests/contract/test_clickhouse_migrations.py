"""Migrations of the embedded ClickHouse: repeatable, checked, safe when two run at once."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import Error

from storage.clickhouse import migrations
from storage.clickhouse.client import connect
from storage.clickhouse.migrate import MigrationError, migrate
from storage.clickhouse.ttl import Retention
from storage.sink.config import TABLES
from tests.support.clickhouse import clickhouse_server

KEEP = Retention(events=30, metrics=180)


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with clickhouse_server(Path(tmp_path_factory.mktemp("ch")) / "data") as server:
        yield server.url


def _engines(dsn: str, database: str) -> dict[str, str]:
    client = connect(dsn, database)
    rows = client.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()").result_rows
    client.close()
    return dict(rows)


def test_all_tables_are_made_once(dsn: str) -> None:
    assert len(migrate(dsn, "once", KEEP)) == len(migrations.load())
    assert migrate(dsn, "once", KEEP) == []
    assert set(_engines(dsn, "once")) == {*TABLES.values(), "schema_migrations"}


def test_making_all_tables_loads_no_frames(dsn: str) -> None:
    """Each new home would wait for them."""
    script = (
        "import sys; from storage.clickhouse.migrate import migrate; from storage.clickhouse.ttl import Retention; "
        "migrate(sys.argv[1], 'light', Retention(events=30, metrics=180)); "
        "print([name for name in ('pandas', 'pyarrow', 'numpy') if name in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", script, dsn], capture_output=True, text=True, cwd=root, check=True)

    assert done.stdout.strip() == "[]"


def test_how_long_rows_are_kept_follows_the_settings(dsn: str) -> None:
    migrate(dsn, "kept", KEEP)
    before = _engines(dsn, "kept")
    migrate(dsn, "kept", Retention(events=7, metrics=180))
    after = _engines(dsn, "kept")
    assert "TTL _day + toIntervalDay(30)" in before["inference_events"]
    assert "TTL _day + toIntervalDay(7)" in after["inference_events"]
    assert after["alerts"] == before["alerts"]
    assert "TTL" not in after["deployments"]


def test_a_changed_file_is_refused(dsn: str) -> None:
    migrate(dsn, "changed", KEEP)
    first, *others = migrations.load()
    with pytest.raises(MigrationError, match=r"0001_inference_events\.sql was changed"):
        migrate(dsn, "changed", KEEP, [replace(first, sql=first.sql + " "), *others])


def test_tables_of_a_newer_version_are_refused(dsn: str) -> None:
    migrate(dsn, "newer", KEEP)
    with pytest.raises(MigrationError, match="install the newer one"):
        migrate(dsn, "newer", KEEP, migrations.load()[:-1])


def test_a_migration_that_was_cut_off_goes_on(dsn: str) -> None:
    migrate(dsn, "cut", KEEP, migrations.load()[:3])
    client = connect(dsn, "cut")
    client.command(migrations.load()[3].sql)  # killed before it was written down
    client.close()
    assert len(migrate(dsn, "cut", KEEP)) == len(migrations.load()) - 3


def test_a_new_database_that_was_cut_off_begins_anew(dsn: str) -> None:
    migrate(dsn, "begun", KEEP, [])
    client = connect(dsn, "begun")
    for migration in migrations.load():
        client.command(migration.sql)  # killed before any was written down
    client.close()
    assert len(migrate(dsn, "begun", KEEP)) == len(migrations.load())
    migrate(dsn, "whole", KEEP)
    assert _engines(dsn, "begun") == _engines(dsn, "whole")


def test_what_was_applied_before_a_migration_that_fails_is_not_applied_again(dsn: str) -> None:
    *some, last = migrations.load()[:3]
    with pytest.raises(Error):
        migrate(dsn, "failed", KEEP, [*some, replace(last, sql="SELECT * FROM nowhere")])
    assert migrate(dsn, "failed", KEEP, [*some, last]) == [last.name]


def test_two_at_once_leave_what_one_would(dsn: str) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            migrate(dsn, "both", KEEP)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    migrate(dsn, "alone", KEEP)
    assert _engines(dsn, "both") == _engines(dsn, "alone")
    assert migrate(dsn, "both", KEEP) == []
