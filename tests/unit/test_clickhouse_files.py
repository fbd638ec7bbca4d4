"""Migration and query files: numbered, repeatable, described."""

import re

import pytest

from storage.clickhouse import migrations, queries
from storage.clickhouse.ttl import DERIVED, KEPT, RAW
from storage.sink.config import TABLES


def test_every_migration_is_harmless_when_repeated() -> None:
    for migration in migrations.load():
        assert re.search(r"\bIF (NOT )?EXISTS\b", migration.sql), f"{migration.name} cannot run twice"
        assert migration.sql.count(";") == 1, f"{migration.name} is not one statement"


def test_every_table_has_a_rule_for_how_long_it_keeps_rows() -> None:
    assert sorted((*RAW, *DERIVED, *KEPT)) == sorted(TABLES.values())


def test_every_query_is_described() -> None:
    assert len(queries.names()) > 10
    for name in queries.names():
        found = queries.load(name)
        assert found.description.endswith("."), f"{name} has no sentence in its first line"
        assert "SELECT" in found.sql


def test_parameters_are_found_with_their_types() -> None:
    assert queries.load("drift_history").parameters == {
        "workspace": "String",
        "model": "String",
        "series": "String",
        "window": "String",
        "from": "DateTime64(6, 'UTC')",
        "to": "DateTime64(6, 'UTC')",
    }


def test_an_unknown_query_names_those_there_are() -> None:
    with pytest.raises(KeyError, match="latest_drift"):
        queries.query("latest_drfit")
