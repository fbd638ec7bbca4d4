"""The connection of a session that has something of its own: what SET and USE said, and its temporary tables."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.engine import Engine
from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.request import Query
from storage.clickhouse_server.session import Progress, Session, base_settings
from storage.clickhouse_server.sql_text import quote, quote_identifier


class KeptSession(Session):
    """Never renewed: a request's own settings, database and external tables are taken back after it instead."""

    def __init__(self, engine: Engine, config: ClickHouseServerConfig, *, readonly: bool) -> None:
        super().__init__(engine, base_settings(config), readonly=readonly)
        self._own: dict[str, str] = {}
        """Settings that requests have changed, as the session has them."""
        self._asked: set[str] = set()
        """Settings whose own value is known."""
        self.is_lasting = True

    def prepare(self, query: Query) -> None:
        """As `Session.prepare`, from the session's own settings and database."""
        self._use(query.database or self._home)
        self._learn([name for name in query.settings if name not in self._asked])
        known = {**self._base, **self._own}
        try:
            self._apply({**known, **query.settings, "log_comment": query.query_id})
        except Exception:
            for name in query.settings:  # which of them were set cannot be known
                with suppress(ClickHouseError):
                    self._run(f"SET {name} = {quote(known[name]) if name in known else 'DEFAULT'}")
            self._set = {name: value for name, value in self._set.items() if name not in query.settings} | known
            raise

    def end(self, *, changed: bool, tables: Sequence[str], parameters: Mapping[str, str]) -> None:
        """Take back what was the request's alone, and see what the session itself has now."""
        del parameters  # a query parameter cannot be unset, and does no harm
        for table in tables:
            self._run(f"DROP TEMPORARY TABLE IF EXISTS {quote_identifier(table)}")
        if not changed:
            return
        self._home = self._database = self._text("SELECT currentDatabase()")
        self.own_timezone = self._text("SELECT value FROM system.settings WHERE name = 'session_timezone'")
        for name in self._asked:
            self._set.pop(name, None)
        self._own.clear()
        self._asked.clear()

    def _learn(self, names: Sequence[str]) -> None:
        for name in names:
            sql = f"SELECT value FROM system.settings WHERE changed AND name = {quote(name)}"  # noqa: S608 - quoted
            value = self.execute(sql.encode("utf-8", "surrogateescape"), "RawBLOB", {}, Progress())
            if value:
                self._own[name] = value.decode("utf-8", "surrogateescape")
            self._asked.add(name)

    def _text(self, sql: str) -> str:
        return self.execute(sql.encode(), "TabSeparatedRaw", {}, Progress()).decode().rstrip("\n")
