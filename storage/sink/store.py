"""ClickHouse as the sink sees it. Each call may wait, and raises StoreError where something is to be waited out."""

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import HTTPError

from storage.clickhouse.client import connect
from storage.sink.landing import INSERT_SETTINGS, READ_SETTINGS, Table, insert_sql, position_sql, trial_sql
from storage.sink.position import Claim
from storage.sink.refusal import DATA_CODES, SERVER_CODES, find_refused

log = logging.getLogger(__name__)
_TRIAL_BYTES = 1_000_000


class StoreError(Exception):
    """ClickHouse is away, or refuses for a reason that can pass."""


class UnlistedError(StoreError):
    """ClickHouse refuses with a code that is in no list: the data may be at fault, or the server."""


class RefusedError(Exception):
    """ClickHouse cannot read the data; the same bytes will be refused again."""


class Store:
    """Shared by the sink's threads."""

    def __init__(self, dsn: str, database: str) -> None:
        self._dsn = dsn
        self._database = database
        self._lock = threading.Lock()
        self._client: Any = None
        self._tables: dict[str, Table] = {}
        self._landed_at: dict[str, float] = {}

    def table(self, name: str) -> Table:
        """The columns that a topic's fields land in, as the table has them."""
        if name not in self._tables:
            sql = (
                "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
                "AND default_kind = '' AND NOT startsWith(name, '_') ORDER BY position"
            )
            rows = self._query(sql, {"table": name})
            if not rows:
                raise StoreError(f"table {name} does not exist: run `tidegate migrate`")
            self._tables[name] = Table(name, {str(column): str(type_name) for column, type_name in rows})
        return self._tables[name]

    def position(self, table: str, topic_id: str, partition: int) -> int | None:
        """The offset that the table's next row of this partition will have; None where it has none."""
        rows = self._query(position_sql(table), {"topic_id": topic_id, "partition": partition})
        return int(rows[0][0]) + 1 if rows else None

    def insert(self, table: str, claim: Claim, first_offset: int, last_offset: int, body: bytes) -> None:
        """Land the lines, or not: read the position to know.

        Raises:
            RefusedError: a line cannot be read; nothing landed.
        """
        sql = insert_sql(self.table(table), claim, first_offset, last_offset, int(time.time()))
        settings = {
            **INSERT_SETTINGS,
            "insert_deduplication_token": claim.token,
            "query_id": f"{claim.query_prefix}{uuid.uuid4().hex}",
        }
        self._command(sql, body, settings)
        self._landed_at[table] = time.monotonic()

    def took_since(self, table: str, since: float) -> bool:
        """Whether the table took an insert, of whatever partition, at or after `since` (time.monotonic())."""
        return self._landed_at.get(table, float("-inf")) >= since

    def refused(self, table: str, lines: Sequence[bytes], unlisted: bool = False) -> list[int]:
        """The indices of the lines that ClickHouse cannot read; `unlisted`: for whatever reason that is no server's."""
        found: list[int] = []
        start = 0
        while start < len(lines):
            end, size = start, 0
            while end < len(lines) and (end == start or size + len(lines[end]) <= _TRIAL_BYTES):
                size += len(lines[end])
                end += 1
            found += [
                start + index
                for index in find_refused(lines[start:end], lambda part: self._readable(table, part, unlisted))
            ]
            start = end
        return found

    def inserting(self, claim: Claim) -> bool:
        """Whether an insert of this partition still runs."""
        sql = "SELECT count() FROM system.processes WHERE startsWith(query_id, {prefix:String})"
        return int(self._query(sql, {"prefix": claim.query_prefix})[0][0]) > 0

    def kill_inserts(self, claim: Claim) -> None:
        """Stop what a predecessor left running. A courtesy: the token is what keeps its rows from landing twice."""
        pattern = claim.query_prefix.replace("'", "").replace("\\", "")
        try:
            self._command(f"KILL QUERY WHERE startsWith(query_id, '{pattern}') ASYNC", None, {})
        except RefusedError as error:
            log.warning("running inserts could not be killed: %s", error)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _readable(self, table: str, lines: Sequence[bytes], unlisted: bool) -> bool:
        try:
            self._command(trial_sql(self.table(table)), b"\n".join(lines), READ_SETTINGS)
        except RefusedError:
            return False
        except UnlistedError:
            if not unlisted:
                raise
            return False
        return True

    def _query(self, sql: str, parameters: dict[str, object]) -> Any:
        try:
            return self._connected().query(sql, parameters=parameters).result_rows
        except (Error, HTTPError, OSError) as error:
            raise self._wrapped(error) from error

    def _command(self, sql: str, body: bytes | None, settings: dict[str, object]) -> None:
        try:
            self._connected().command(sql, data=body, settings=settings)
        except (Error, HTTPError, OSError) as error:
            raise self._wrapped(error) from error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = connect(self._dsn, self._database)
            return self._client

    def _wrapped(self, error: Exception) -> StoreError | RefusedError:
        code = getattr(error, "code", None)
        text = str(error).splitlines()[0][:500] if str(error) else type(error).__name__
        # The embedded engine words some refusals with the bytes that it could not read, and then cannot decode them.
        if code in DATA_CODES or "codec can't decode byte" in text:
            return RefusedError(text)
        # Migrations may have changed the table meanwhile.
        self._tables.clear()
        waits = code is None or code in SERVER_CODES or "No space left" in text
        return StoreError(text) if waits else UnlistedError(text)
