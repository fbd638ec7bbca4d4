"""One statement run on one session, in a thread: which door of the engine it goes through."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from storage.clickhouse_server.body import Spool
from storage.clickhouse_server.engine import Engine
from storage.clickhouse_server.errors import SYNTAX_ERROR, ClickHouseError, from_engine
from storage.clickhouse_server.external_tables import ExternalTable, make_tables, make_temporary
from storage.clickhouse_server.formats import DEFAULT_FORMAT, canonical_format
from storage.clickhouse_server.native_framing import TIMEZONE_IN_TYPE_SINCE, frame, may_lack_timezones
from storage.clickhouse_server.request import Query
from storage.clickhouse_server.result_writer import ResultWriter
from storage.clickhouse_server.session import Progress, Session
from storage.clickhouse_server.statement import (
    Statement,
    StatementKind,
    input_call,
    into_pipe,
    may_hide_insert,
    setting_of,
)
from web import watched

_PIPE_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class QueryJob:
    """A request that is ready to run. `data` is the body, of which an insert's data begins at `data_start`;
    `inline` is data that stood in the URL behind the SQL."""

    query: Query
    statement: Statement
    data: Spool
    data_start: int
    inline: bytes = b""
    external: tuple[ExternalTable, ...] = ()

    @property
    def output_format(self) -> str:
        """The format of the answer: of the SQL, else of the URL, else TabSeparated."""
        named = self.statement.format if self.statement.kind in _ANSWERS else None
        return canonical_format(named or self.query.format or DEFAULT_FORMAT)


_ANSWERS = (StatementKind.SELECT, StatementKind.SHOW)
_HAVE_RESULTS = (*_ANSWERS, StatementKind.KILL)
_INPUT = "_tidegate_input"
"""Temporary table that holds the data of an INSERT ... SELECT ... FROM input()."""


def run_and_close(engine: Engine, session: Session, job: QueryJob, writer: ResultWriter) -> None:
    """`run`, and then let go of what the writer holds."""
    with writer:
        run(engine, session, job, writer)


def run(engine: Engine, session: Session, job: QueryJob, writer: ResultWriter) -> None:
    """Run `job` and write its answer; an error is written too, never raised."""
    try:
        session.prepare(job.query)
        tables: list[str] = []
        try:
            answers = job.statement.kind in _HAVE_RESULTS
            writer.begin(job.output_format, _timezone(session, job), answers=answers)
            make_tables(session, job.external, tables.append)
            _run(session, job, writer, tables)
        finally:
            inserts = job.statement.kind is StatementKind.INSERT
            parameters = job.query.parameters if inserts else {}
            session.end(changed=job.statement.changes_session, tables=tables, parameters=parameters)
        writer.finish()
    except Exception as error:
        writer.fail(from_engine(error), engine.version)


def _timezone(session: Session, job: QueryJob) -> str:
    """The time zone of the answer: the statement's, else the request's, else the session's; empty for the server's."""
    named = setting_of(job.statement, "session_timezone")
    return named or job.query.settings.get("session_timezone") or session.own_timezone


def _run(session: Session, job: QueryJob, writer: ResultWriter, tables: list[str]) -> None:
    kind = job.statement.kind
    if kind is StatementKind.INSERT:
        _insert(session, job, writer.progress)
    elif kind is StatementKind.INSERT_FROM_INPUT:
        _insert_from_input(session, job, writer.progress, tables)
    elif kind is StatementKind.SELECT:
        _select(session, job, writer)
    else:
        answer = session.execute(job.statement.sql, job.output_format, job.query.parameters, writer.progress)
        writer.write(frame(answer, job.query.protocol) if job.output_format == "Native" else answer)


def _select(session: Session, job: QueryJob, writer: ResultWriter) -> None:
    """What is written behind a SELECT would become data behind an INSERT: in doubt the engine says which one it is."""
    if may_hide_insert(job.statement) and session.reads_as_insert(job.statement.sql, job.query.parameters):
        text = "The server took this INSERT for a SELECT and did not run it: begin it with INSERT INTO"
        raise ClickHouseError(SYNTAX_ERROR, text, "SYNTAX_ERROR")
    if job.output_format == "Native":
        _native(session, job, writer)
    else:
        _through_pipe(session, job, writer)


def _native(session: Session, job: QueryJob, writer: ResultWriter) -> None:
    """Block by block. The engine leaves a column's time zone out of its type: it is asked for it, where one may be."""
    protocol = job.query.protocol
    types: Sequence[str] | None = None if protocol >= TIMEZONE_IN_TYPE_SINCE else ()
    if types is None and (session.is_lasting or job.external):
        types = _column_types(session, job)  # another connection does not see the tables
    for block, rows in session.blocks(job.statement.sql, job.query.parameters, writer.progress):
        if types is None and may_lack_timezones(block):
            with closing(session.twin()) as other:
                other.prepare(job.query)
                types = _column_types(other, job)
        writer.release()
        writer.write(frame(block, protocol, rows, types or ()))


def _column_types(session: Session, job: QueryJob) -> Sequence[str]:
    try:
        return session.column_types(job.statement.sql, job.query.parameters)
    except ClickHouseError:
        return ()  # of a wrong query, which then says so itself


def _insert(session: Session, job: QueryJob, progress: Progress) -> None:
    if job.query.parameters:  # the engine's insert stream takes none of its own
        session.set_parameters(job.query.parameters)
    input_format = job.statement.format or job.query.format or "Values"

    data = chain((job.inline,) if job.inline else (), job.data.pieces(job.data_start))
    session.insert(job.statement.sql, input_format, data, progress)


def _insert_from_input(session: Session, job: QueryJob, progress: Progress, tables: list[str]) -> None:
    """Through a temporary table: the engine's own input() would have to be a file, and files are refused to it."""
    call = input_call(job.statement)
    make_temporary(session, _INPUT, call.structure, job.query.parameters)
    tables.append(_INPUT)
    data = chain((job.inline,) if job.inline else (), job.data.pieces(job.data_start))
    session.insert(f"INSERT INTO {_INPUT}".encode(), job.statement.format or "Values", data, Progress())
    session.execute(call.replaced(job.statement.sql, _INPUT), DEFAULT_FORMAT, job.query.parameters, progress)


def _through_pipe(session: Session, job: QueryJob, writer: ResultWriter) -> None:
    """Let the engine write the result into a pipe: any format comes out whole, in flat memory."""
    read_end, write_end = os.pipe()
    failed: list[Exception] = []
    sql = into_pipe(job.statement, f"/dev/fd/{write_end}", job.output_format)

    def execute() -> None:
        try:
            session.execute(sql, job.output_format, job.query.parameters, writer.progress)
        except Exception as error:  # raised again by the thread that reads: a result without its end is no result
            failed.append(error)
        finally:
            os.close(write_end)

    thread = watched.begin_thread(execute, f"query-{job.query.query_id}")
    try:
        while piece := os.read(read_end, _PIPE_READ):
            writer.write(piece)
    finally:
        # Never close the pipe under the engine: it waits for a reader before it opens its end.
        while os.read(read_end, _PIPE_READ):
            pass
        thread.join()
        os.close(read_end)
    if failed:
        raise failed[0]
