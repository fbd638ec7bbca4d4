"""Named queries to ClickHouse, with errors in one form."""

import threading
from collections.abc import Iterator
from typing import Any

from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import HTTPError

from storage.clickhouse.client import connect
from storage.clickhouse.queries import query
from stream.rebuilding.history import HistoryError

_AS_WRITTEN: dict[str, object] = {"date_time_output_format": "iso", "output_format_json_quote_64bit_integers": 0}
"""Rows as JSON that the contracts read: times in RFC 3339, numbers as numbers."""


class Asking:
    """One client, made when it is first needed. Blocks; raises HistoryError."""

    def __init__(self, dsn: str, database: str) -> None:
        self._dsn = dsn
        self._database = database
        self._lock = threading.Lock()
        self._client: Any = None

    def blocks(self, name: str, parameters: dict[str, object]) -> Iterator[list[dict[str, Any]]]:
        """The rows of a named query as they come, each by its columns' names."""
        try:
            with self._connected().query_row_block_stream(query(name), parameters=parameters) as stream:
                names = stream.source.column_names
                for block in stream:
                    yield [dict(zip(names, row, strict=True)) for row in block]
        except (Error, HTTPError, OSError) as error:
            raise _wrapped(error) from error

    def rows(self, name: str, parameters: dict[str, object]) -> Iterator[dict[str, Any]]:
        for block in self.blocks(name, parameters):
            yield from block

    def lines(self, name: str, parameters: dict[str, object]) -> bytes:
        """The rows of a named query as lines of JSON, in the form of the contracts."""
        try:
            answer: bytes = self._connected().raw_query(
                query(name), parameters=parameters, settings=_AS_WRITTEN, fmt="JSONEachRow"
            )
        except (Error, HTTPError, OSError) as error:
            raise _wrapped(error) from error
        return answer.rstrip(b"\n")

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = connect(self._dsn, self._database)
            return self._client


def _wrapped(error: Exception) -> HistoryError:
    text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
    return HistoryError(f"ClickHouse does not tell: {text}")
