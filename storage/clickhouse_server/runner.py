"""One statement run on one session, in a thread: which door of the engine it goes through."""

import os
from dataclasses import dataclass
from itertools import chain

from gateway import watched
from storage.clickhouse_server.body import Spool
from storage.clickhouse_server.engine import Engine
from storage.clickhouse_server.errors import from_engine
from storage.clickhouse_server.formats import DEFAULT_FORMAT, canonical_format
from storage.clickhouse_server.native_framing import frame
from storage.clickhouse_server.request import Query
from storage.clickhouse_server.result_writer import ResultWriter
from storage.clickhouse_server.session import Progress, Session
from storage.clickhouse_server.statement import (
    Statement,
    StatementKind,
    input_call,
    into_pipe,
)

_PIPE_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class Job:
    """A request that is ready to run. `data` is the body, of which an insert's data begins at `data_start`;
    `inline` is data that stood in the URL behind the SQL."""

    query: Query
    statement: Statement
    data: Spool
    data_start: int
    inline: bytes = b""

    @property
    def output_format(self) -> str:
        """The format of the answer: of the SQL, else of the URL, else TabSeparated."""
        named = self.statement.format if self.statement.kind in _ANSWERS else None
        return canonical_format(named or self.query.format or DEFAULT_FORMAT)


_ANSWERS = (StatementKind.SELECT, StatementKind.SHOW)
_INPUT = "_tidegate_input"
"""Temporary table that holds the data of an INSERT ... SELECT ... FROM input()."""


def run_and_close(engine: Engine, session: Session, job: Job, writer: ResultWriter) -> None:
    """`run`, and then let go of what the writer holds."""
    with writer:
        run(engine, session, job, writer)


def run(engine: Engine, session: Session, job: Job, writer: ResultWriter) -> None:
    """Run `job` and write its answer; an error is written too, never raised."""
    try:
        writer.begin(job.output_format)
        session.prepare(job.query)
        try:
            _run(session, job, writer)
        finally:
            if _leaves_something(job):
                session.renew()
        writer.finish()
    except Exception as error:
        writer.fail(from_engine(error), engine.version)


def _leaves_something(job: Job) -> bool:
    """On its session, which nobody else may see: settings, temporary tables, parameters."""
    kind = job.statement.kind
    uses_table = kind is StatementKind.INSERT_FROM_INPUT
    return job.statement.changes_session or uses_table or (bool(job.query.parameters) and kind is StatementKind.INSERT)


def _run(session: Session, job: Job, writer: ResultWriter) -> None:
    kind = job.statement.kind
    if kind is StatementKind.INSERT:
        _insert(session, job, writer.progress)
    elif kind is StatementKind.INSERT_FROM_INPUT:
        _insert_from_input(session, job, writer.progress)
    elif kind is StatementKind.SELECT and job.output_format == "Native":
        for block, rows in session.blocks(job.statement.sql, job.query.parameters, writer.progress):
            writer.write(frame(block, job.query.protocol, rows))
    elif kind is StatementKind.SELECT:
        _through_pipe(session, job, writer)
    else:
        answer = session.execute(job.statement.sql, job.output_format, job.query.parameters, writer.progress)
        writer.write(frame(answer, job.query.protocol) if job.output_format == "Native" else answer)


def _insert(session: Session, job: Job, progress: Progress) -> None:
    if job.query.parameters:  # the engine's insert stream takes none of its own
        session.set_parameters(job.query.parameters)
    input_format = job.statement.format or job.query.format or "Values"

    data = chain((job.inline,) if job.inline else (), job.data.pieces(job.data_start))
    session.insert(job.statement.sql, input_format, data, progress)


def _insert_from_input(session: Session, job: Job, progress: Progress) -> None:
    """Through a temporary table: the engine's own input() would have to be a file, and files are refused to it."""
    call = input_call(job.statement)
    create = f"CREATE TEMPORARY TABLE {_INPUT} ENGINE = Memory AS SELECT * FROM null(".encode()  # noqa: S608
    session.execute(create + call.structure + b")", DEFAULT_FORMAT, job.query.parameters, Progress())
    data = chain((job.inline,) if job.inline else (), job.data.pieces(job.data_start))
    session.insert(f"INSERT INTO {_INPUT}".encode(), job.statement.format or "Values", data, Progress())
    session.execute(call.replaced(job.statement.sql, _INPUT), DEFAULT_FORMAT, job.query.parameters, progress)


def _through_pipe(session: Session, job: Job, writer: ResultWriter) -> None:
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
