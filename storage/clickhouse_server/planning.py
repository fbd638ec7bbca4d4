"""From a request and its body to a job: whose SQL it is, where its data begins, whether it is allowed."""

from dataclasses import replace

from storage.clickhouse_server.body import Spool, decode_body
from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.errors import READONLY, ClickHouseError
from storage.clickhouse_server.external_access import refuse_external_access
from storage.clickhouse_server.external_tables import described_by, external_tables
from storage.clickhouse_server.multipart import read_form
from storage.clickhouse_server.query_ids import with_client_ids
from storage.clickhouse_server.request import Asked, Query, parse_query
from storage.clickhouse_server.runner import QueryJob
from storage.clickhouse_server.statement import Statement, StatementKind, parse

_HEAD = 1 << 20
_READONLY_TEXT = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly"


def plan(config: ClickHouseServerConfig, asked: Asked, raw: Spool, plain: Spool) -> QueryJob:
    """The job of a request whose body is in `raw`; `plain` takes the body decoded, where it is encoded.

    Raises ClickHouseError for whatever is wrong with it; nothing has been executed by then.
    """
    query = parse_query(asked)
    data = decode_body(raw, plain, asked.headers.get("content-encoding", ""), native=query.native_decompress)
    kind = asked.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data") and data.size:
        form = read_form(kind, data)
        query = parse_query(asked, form.fields, described_by(form.files))
        tables = external_tables(form.files, {**asked.url, **form.fields}, data)
        job = replace(_from_text(query, data, query.sql), external=tables)
    elif not data.size:
        job = _from_text(query, data, query.sql)
    else:
        job = _with_body(query, data)
    if not config.allow_external_access:
        refuse_external_access(job.statement.tokens)
    if query.readonly and _is_no_read(job.statement):
        raise ClickHouseError(READONLY, _READONLY_TEXT, "READONLY")
    return job


def _from_text(query: Query, data: Spool, text: bytes) -> QueryJob:
    """All of it stands in one text."""
    statement = _parse(text)
    start = statement.data_start
    return QueryJob(query, statement, data, data.size, b"" if start is None else text[start:])


def _with_body(query: Query, data: Spool) -> QueryJob:
    before = query.sql + b"\n" if query.sql else b""
    if before:
        statement = parse(before)
        if statement.data_start is not None and statement.format is not None:
            return QueryJob(query, statement, data, 0, before[statement.data_start :])
    text = before + data.head(_HEAD)
    statement = parse(text)
    if statement.data_start is not None and statement.format is not None:
        return QueryJob(query, statement, data, max(0, statement.data_start - len(before)))
    return _from_text(query, data, before + data.head(data.size))


def _parse(text: bytes) -> Statement:
    statement = parse(text)
    if statement.kind in (StatementKind.INSERT, StatementKind.INSERT_FROM_INPUT):
        return statement
    return parse(with_client_ids(text))


def _is_no_read(statement: Statement) -> bool:
    """What the engine's own readonly mode lets through, or refuses only by chance: KILL, SYSTEM and the like."""
    if statement.kind in (StatementKind.INSERT, StatementKind.INSERT_FROM_INPUT):
        return True
    if statement.kind is StatementKind.COMMAND:
        return not statement.changes_session
    return statement.kind is StatementKind.KILL
