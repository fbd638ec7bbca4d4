"""Bring the registry's database to this version of its tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from storage.registry.database import make_engine

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x7469646567617465
"""`tidegate` in hexadecimal: who migrates PostgreSQL holds this lock."""


def upgrade(dsn: str) -> None:
    """Apply the migrations that are missing. Safe when several processes do it at once: one does, the others wait."""
    engine = make_engine(dsn)
    try:
        with engine.connect() as connection:
            if _is_at_head(connection):
                return
        # Loaded here, with the dialects of every database that it knows: nearly every start finds its tables.
        from alembic import command  # noqa: PLC0415

        with engine.execution_options(registry_begin="BEGIN IMMEDIATE").begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()


def _is_at_head(connection: Connection) -> bool:
    """As Alembic would find it, without a third of a second to load it: each command that reads the registry asks."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == [newest_revision()]


def newest_revision() -> str:
    """By the names of the scripts: `r0001_registry.py` makes revision 0001."""
    return max(script.name[1:5] for script in (SCRIPTS / "versions").glob("r*_*.py"))


def alembic_config(connection: Connection) -> "Config":
    """Alembic's configuration, without a file: the scripts are found beside this module."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
