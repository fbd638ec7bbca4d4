"""Bring ClickHouse's tables to this version: what `tidegate migrate` does."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from storage.clickhouse import migrations
from storage.clickhouse.client import connect
from storage.clickhouse.migrations import Migration
from storage.clickhouse.ttl import Retention, apply_retention

_APPLIED = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY number
"""


class MigrationError(Exception):
    """The tables and the migration files do not belong together."""


def migrate(dsn: str, database: str, retention: Retention, files: Sequence[Migration] | None = None) -> list[str]:
    """Apply the migrations that are missing, and how long rows are kept. Returns the names of what was applied.

    Safe to repeat, to cut off, and to run twice at once.

    Raises:
        MigrationError: an applied file was changed, or the tables are newer than this program.
        clickhouse_connect.driver.exceptions.Error: ClickHouse does not answer or refuses.
    """
    wanted = migrations.load() if files is None else files
    client = connect(dsn)
    try:
        client.command(f"CREATE DATABASE IF NOT EXISTS {quote(database)}")
        client.database = database  # another client would ask the server once more who it is
        client.command(_APPLIED)
        applied = _applied(client)
        missing = _missing(wanted, applied)
        # A part a row would be half of the work of a new database. Cut off, it begins anew: the tables are empty.
        for some in [[migration] for migration in missing] if applied else [missing]:
            _apply(client, some)
        apply_retention(client, retention)
        return [migration.name for migration in missing]
    finally:
        client.close()


def quote(name: str) -> str:
    """An identifier between backticks."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _apply(client: Any, some: Sequence[Migration]) -> None:
    """Apply these, and write down those that could be."""
    done: list[Migration] = []
    try:
        for migration in some:
            client.command(migration.sql)
            done.append(migration)
    finally:
        if done:
            _write_down(client, done)


def _write_down(client: Any, done: Sequence[Migration]) -> None:
    # As text: `insert` loads pandas and Arrow, a third of a second of CPU, to ask whether it was given theirs.
    rows = [{"number": each.number, "name": each.name, "checksum": each.checksum} for each in done]
    text = b"\n".join(map(msgspec.json.encode, rows))
    client.raw_insert("schema_migrations", list(rows[0]), text, fmt="JSONEachRow")


def _applied(client: Any) -> dict[int, str]:
    rows = client.query(
        "SELECT number, argMin(checksum, applied_at) FROM schema_migrations GROUP BY number"
    ).result_rows
    return {int(number): str(checksum) for number, checksum in rows}


def _missing(wanted: Sequence[Migration], applied: Mapping[int, str]) -> list[Migration]:
    known = {migration.number for migration in wanted}
    if unknown := sorted(set(applied) - known):
        raise MigrationError(
            f"the tables have migrations {unknown} that this version of Tidegate does not know: install the newer one"
        )
    for migration in wanted:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.name}.sql was changed after it was applied: restore it, and add a new file for the change"
            )
    return [migration for migration in wanted if migration.number not in applied]
