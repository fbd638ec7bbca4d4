"""One connection to the engine, made to look fresh to each request.

A connection keeps what SET, USE and temporary tables leave on it, and HTTP requests must not see each
other's. So a session knows what it has set, sets only the difference, and is replaced by a new connection
after a statement that leaves more behind.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.engine import Engine
from storage.clickhouse_server.errors import from_engine
from storage.clickhouse_server.request import Query
from storage.clickhouse_server.sql_text import quote, quote_identifier


@dataclass(slots=True)
class Progress:
    """Rows and bytes that a query has read, written and answered with so far."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0

    def add(self, result: Any) -> None:
        """Count a chDB result in."""
        self.read_rows += result.storage_rows_read()
        self.read_bytes += result.storage_bytes_read()
        self.result_rows += result.rows_read()


def base_settings(config: ClickHouseServerConfig) -> dict[str, str]:
    """What every connection starts from, where it differs from ClickHouse's defaults."""
    return {
        "max_threads": str(config.query_threads),
        # An insert of up to 1,048,449 rows is one block, hence one part a partition, whole or not there at all:
        # one thread parses it, and no number of bytes cuts it.
        "max_insert_threads": "1",
        "input_format_parallel_parsing": "0",
        "max_insert_block_size": "1048449",
        "min_insert_block_size_rows": "1048449",
        "min_insert_block_size_bytes": "0",
        "output_format_parallel_formatting": "0",
        "implicit_select": "0",
    }


class Session:
    """One connection. Used by one thread at a time."""

    is_lasting = False
    """Whether it has tables that another connection does not see."""

    def __init__(self, engine: Engine, base: Mapping[str, str], *, readonly: bool) -> None:
        self._engine = engine
        self._base = dict(base)
        self._readonly = readonly
        self._open()

    def _open(self) -> None:
        self._connection: Any = self._engine.connect()  # its annotations say str where it takes bytes
        self._set: dict[str, str] = {}
        self._home = self._database = "default"
        self.own_timezone = ""
        """What it has set itself; empty for the server's."""
        self._apply(self._base)
        if self._readonly:
            self._run("SET readonly = 2")

    def prepare(self, query: Query) -> None:
        """Make the connection ready for this request: its database, its settings and its query id.

        Raises ClickHouseError for an unknown database or setting.
        """
        self._use(query.database or self._home)
        try:
            self._apply({**self._base, **query.settings, "log_comment": query.query_id})
        except Exception:
            self.renew()  # some of the settings may have been set before the wrong one
            raise

    def end(self, *, changed: bool, tables: Sequence[str], parameters: Mapping[str, str]) -> None:
        """Leave nothing behind of a statement that changed the connection or left these tables or parameters on it."""
        if changed or tables or parameters:
            self.renew()

    def twin(self) -> "Session":
        """Another connection of the same kind, to be closed by the caller."""
        return Session(self._engine, self._base, readonly=self._readonly)

    def column_types(self, sql: bytes, parameters: Mapping[str, str]) -> list[str]:
        """The types of a SELECT's columns, in full. Raises ClickHouseError."""
        described = self.execute(b"DESCRIBE TABLE (" + sql + b"\n)", "JSONCompact", parameters, Progress())
        return [str(row[1]) for row in json.loads(described)["data"]]

    def reads_as_insert(self, sql: bytes, parameters: Mapping[str, str]) -> bool:
        """Whether the engine's own parser takes `sql` for an INSERT. Raises ClickHouseError where that fails."""
        tree = self.execute(b"EXPLAIN AST " + sql, "TabSeparatedRaw", parameters, Progress())
        return tree.lstrip().startswith(b"InsertQuery")

    def renew(self) -> None:
        """Replace the connection by a new one."""
        self._connection.close()
        self._open()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _use(self, database: str) -> None:
        if database != self._database:
            self._run(f"USE {quote_identifier(database)}")
            self._database = database

    def _apply(self, wanted: dict[str, str]) -> None:
        changes = [f"{name} = {quote(value)}" for name, value in wanted.items() if self._set.get(name) != value]
        changes += [f"{name} = DEFAULT" for name in self._set if name not in wanted]
        if changes:
            self._run("SET " + ", ".join(changes))
        self._set = wanted

    def _run(self, sql: str) -> None:
        try:
            self._connection.query(sql, "TabSeparated")
        except Exception as error:
            self._drain()
            raise from_engine(error) from error

    def execute(self, sql: bytes, output_format: str, parameters: Mapping[str, str], progress: Progress) -> bytes:
        """Run a statement and return its whole answer. Raises ClickHouseError."""
        try:
            result = self._connection.query(sql, output_format, params=dict(parameters))
        except Exception as error:
            self._drain()
            raise from_engine(error) from error
        progress.add(result)
        progress.written_rows += result.rows_written()
        progress.written_bytes += result.bytes_written()
        answer: bytes = result.bytes()
        return answer

    def _drain(self) -> None:
        """Take what a failed statement has left: the engine puts its rows before the answer of the next statement."""
        with suppress(Exception):
            self._connection.query("SELECT 1", "TabSeparated")

    def blocks(self, sql: bytes, parameters: Mapping[str, str], progress: Progress) -> Iterator[tuple[bytes, int]]:
        """Run a query and yield its result block by block: Native of revision 0, and the rows in it.

        Raises ClickHouseError.

        Closing the iterator early cancels the query.
        """
        try:
            with self._connection.send_query(sql, "Native", params=dict(parameters)) as stream:
                for block in stream:
                    progress.add(block)
                    yield block.bytes(), block.rows_read()
        except Exception as error:
            raise from_engine(error) from error

    def insert(self, sql: bytes, input_format: str, data: Iterator[bytes], progress: Progress) -> None:
        """Feed `data` to an INSERT without its FORMAT clause. Raises ClickHouseError."""
        try:
            with self._connection.send_insert(sql, input_format) as inserter:
                for piece in data:
                    inserter.append(piece)
                result = inserter.finish()
        except Exception as error:
            raise from_engine(error) from error
        progress.written_rows += result.rows_written
        progress.written_bytes += result.bytes_written

    def set_parameters(self, parameters: Mapping[str, str]) -> None:
        """Set query parameters on the connection itself; `renew` it afterwards."""
        pairs = ", ".join(f"param_{name} = {quote(value)}" for name, value in parameters.items())
        self._run(f"SET {pairs}")
