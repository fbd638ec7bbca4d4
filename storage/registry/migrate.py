"""Bring the registry's database to this version of its tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from storage.registry.database import make_engine

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x7469646567617465
"""`tidegate` in hexadecimal: who migrates PostgreSQL holds this lock."""


def upgrade(dsn: str) -> None:
    """Apply the migrations that are missing. Safe when several processes do it at once: one does, the others wait."""
    # Loaded here, with the dialects of every database that it knows: most processes of a stack never migrate.
    from alembic import command  # noqa: PLC0415

    engine = make_engine(dsn)
    try:
        with engine.execution_options(registry_begin="BEGIN IMMEDIATE").begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> "Config":
    """Alembic's configuration, without a file: the scripts are found beside this module."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
