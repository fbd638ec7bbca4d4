"""`tidegate migrate`: the tables of the registry and of ClickHouse, brought to this version of the program."""

import socket
import time
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from storage.registry import upgrade
from tidegate.settings import Settings


class MigrateError(Exception):
    """A store cannot be reached, or its tables do not fit; the message says what to do."""


class UnreachableError(MigrateError):
    """There is no answer."""


def migrate_registry(settings: Settings) -> None:
    """Raises MigrateError."""
    try:
        upgrade(settings.database_dsn)
    except SQLAlchemyError as error:
        where = (
            "TIDEGATE_DATABASE_URL" if settings.database_url is not None else f"the registry in {settings.home_path}"
        )
        reason = str(error).splitlines()[0]
        raise MigrateError(f"{where} cannot be used ({reason}): correct the URL, or start that database") from error


def migrate_clickhouse(settings: Settings, patience_s: float = 0.0) -> list[str]:
    """Bring the tables to this version; names of the migrations that were applied.

    Args:
        patience_s: how long a ClickHouse that does not answer yet is waited for.

    Raises:
        MigrateError: it does not answer, refuses, or its tables are newer.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not _listens(settings.clickhouse_dsn):
        time.sleep(0.1)
    while True:
        try:
            return _migrate_clickhouse(settings)
        except UnreachableError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _listens(dsn: str) -> bool:
    """Whether anybody takes connections there: to learn it from a client costs a hundred times as much."""
    address = urlsplit(dsn)
    try:
        with socket.create_connection((address.hostname, address.port), timeout=1.0):
            return True
    except OSError:
        return False


def _migrate_clickhouse(settings: Settings) -> list[str]:
    # Loaded here: `tidegate migrate --help` need not wait for it.
    from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError  # noqa: PLC0415

    from storage.clickhouse.migrate import MigrationError, migrate  # noqa: PLC0415
    from storage.clickhouse.ttl import Retention  # noqa: PLC0415

    retention = Retention(events=settings.event_ttl_days, metrics=settings.metric_ttl_days)
    try:
        return migrate(settings.clickhouse_dsn, settings.clickhouse_database, retention)
    except MigrationError as error:
        raise MigrateError(str(error)) from error
    except ClickHouseError as error:
        reason = str(error).splitlines()[0][:300]
        if isinstance(error, OperationalError):
            raise UnreachableError(f"ClickHouse cannot be used ({reason}): {_remedy(settings)}") from error
        raise MigrateError(f"ClickHouse refuses ({reason}): see its log, or `tidegate logs clickhouse`") from error


def _remedy(settings: Settings) -> str:
    if settings.clickhouse_url is not None:
        return "correct TIDEGATE_CLICKHOUSE_URL, or start that server"
    return "start the stack with `tidegate up`"
