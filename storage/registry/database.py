"""A connection to the registry's database: SQLite made safe for several processes, or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select, update
from sqlalchemy.orm import Session

from storage.registry.damaged import read_json
from storage.registry.errors import RegistryError
from storage.registry.tables import RevisionRow

BUSY_TIMEOUT_MS = 10_000
_BEGIN = "registry_begin"


class Database:
    """Short transactions on the registry. May be shared by threads."""

    def __init__(self, dsn: str) -> None:
        self.engine = make_engine(dsn)
        self._writer = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent view."""
        with Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, alone: it takes the revision's row first, which also tells pollers of the change."""
        with Session(self._writer) as session, session.begin():
            counted = session.execute(update(RevisionRow).values(value=RevisionRow.value + 1).returning(RevisionRow.id))
            if counted.first() is None:
                raise RegistryError("the registry holds no revision: run `tidegate migrate`")
            yield session

    @contextmanager
    def note(self) -> Iterator[Session]:
        """One transaction that pollers need not hear of."""
        with Session(self._writer) as session, session.begin():
            yield session

    def revision(self) -> int:
        """Counted up by every write: while it stays the same, so does everything else. One tiny query."""
        with self.engine.connect() as connection:
            return connection.execute(select(RevisionRow.value)).scalar_one()

    def close(self) -> None:
        self.engine.dispose()


def make_engine(dsn: str) -> Engine:
    """An engine with the settings that this package relies on.

    Raises:
        sqlalchemy.exc.ArgumentError: `dsn` is no SQLAlchemy URL.
    """
    url = make_url(dsn)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, json_deserializer=read_json)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions itself: a deferred one cannot wait when it turns into a writer.
    connection.isolation_level = None
    # A text that is no UTF-8 must not fail the query: whoever reads its row finds the surrogates.
    connection.text_factory = _text
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    # Whatever git, or a caller, was told stands here after a power loss too.
    connection.execute("PRAGMA synchronous=FULL")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode=WAL")


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
