"""The running server: its engine, its pools of connections, and the queries that are on them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial

from storage.clickhouse_server.body import ClientGoneError, Receive, Spool, receive_body
from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.engine import Engine
from storage.clickhouse_server.errors import (
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
    ClickHouseError,
    from_engine,
)
from storage.clickhouse_server.exchange import Exchange
from storage.clickhouse_server.http_compression import choose_encoding, encoder
from storage.clickhouse_server.kept_session import KeptSession
from storage.clickhouse_server.named_sessions import NamedSession, NamedSessions
from storage.clickhouse_server.planning import plan
from storage.clickhouse_server.pool import Pool
from storage.clickhouse_server.prometheus import QueryCounters
from storage.clickhouse_server.query_ids import kill_statement
from storage.clickhouse_server.request import Asked
from storage.clickhouse_server.result_writer import ResultWriter
from storage.clickhouse_server.runner import QueryJob, run_and_close
from storage.clickhouse_server.session import Progress, Session, base_settings
from storage.clickhouse_server.statement import StatementKind
from storage.clickhouse_server.watching import abandon, hung_up, kill_when_gone
from web import watched

_INLINE_BODY = 1 << 16
_MAX_BUFFER = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """A query that runs: where its result comes out, and how it is marked and encoded."""

    query_id: str
    exchange: Exchange
    tag: str
    encoding: str | None
    finished: "asyncio.Future[None]"

    async def over(self) -> None:
        """Return when the query holds nothing any more: no session, no id, no connection."""
        await asyncio.wait((self.finished,))


class Service:
    """Runs requests on the engine. Made and used on one event loop; queries run in its threads.

    Raises FolderInUseError when another process has the folder.
    """

    def __init__(self, config: ClickHouseServerConfig) -> None:
        self.config = config
        self.counters = QueryCounters()
        self.engine = Engine(config)
        self._full = self._pool(config.max_connections, readonly=False)
        self._readonly = self._pool(config.max_readonly_connections, readonly=True)
        self._control = self._pool(1, readonly=False)  # KILL QUERY gets through when all others are busy
        self._pools = (self._full, self._readonly, self._control)
        size = sum(len(one.sessions) for one in self._pools)
        self.sessions = NamedSessions(self._open_session, config.max_sessions, time.monotonic)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="clickhouse")
        self._running: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.ended = 0
        """Queries that have ended, however."""
        self.counters.running.set_function(lambda: len(self._running))
        self.counters.waiting.set_function(lambda: sum(one.waiting for one in self._pools))

    def _open_session(self, readonly: bool) -> KeptSession:
        return KeptSession(self.engine, self.config, readonly=readonly)

    def _pool(self, size: int, *, readonly: bool) -> Pool:
        base = base_settings(self.config)
        sessions = [Session(self.engine, base, readonly=readonly) for _ in range(size)]
        return Pool(sessions, self.config.max_waiting, self.config.max_wait_s)

    @property
    def busy(self) -> int:
        """Queries that run or wait now."""
        return len(self._running)

    @asynccontextmanager
    async def ask(self, asked: Asked, receive: Receive) -> AsyncIterator[Reply]:
        """Read the request's body and run its query; the result comes out of the reply's exchange.

        Raises ClientGoneError when the client hung up before anything was executed, ClickHouseError for a
        refusal. Leaving the context early kills the query.
        """
        with ExitStack() as stack:
            raw, plain = (stack.enter_context(closing(self._spool())) for _ in range(2))
            await receive_body(receive, raw, self.config.client_stall_s)
            job = await self._plan(asked, raw, plain)
            gone = watched.awaited(hung_up(receive))
            stack.callback(gone.cancel)
            session = await self._enter(job, asked, stack)
            if gone.done():
                raise ClientGoneError
            reply = self._begin(job, asked, session, stack)
        if job.statement.kind in (StatementKind.SELECT, StatementKind.SHOW):
            self._spawn(kill_when_gone(gone, reply.exchange, lambda: self.kill(reply.query_id)))
        try:
            yield reply
        finally:
            if not reply.exchange.ended:
                self._spawn(abandon(reply.exchange, lambda: self.kill(reply.query_id)))

    def _spool(self) -> Spool:
        return Spool(self.engine.scratch, self.config.body_memory_bytes, self.config.max_body_bytes)

    async def _plan(self, asked: Asked, raw: Spool, plain: Spool) -> QueryJob:
        if raw.size <= _INLINE_BODY and not asked.headers.get("content-encoding"):
            return plan(self.config, asked, raw, plain)
        return await asyncio.to_thread(plan, self.config, asked, raw, plain)

    async def _enter(self, job: QueryJob, asked: Asked, stack: ExitStack) -> Session:
        """A session for the job, given back with the rest of `stack`."""
        query_id = job.query.query_id
        if query_id in self._running:
            text = f"Query with id = {query_id} is already running."
            raise ClickHouseError(QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, text, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING")
        self._running.add(query_id)
        stack.callback(self._leave, query_id)
        pool = self._readonly if job.query.readonly else self._full
        if job.statement.kind is StatementKind.KILL:
            pool = self._control
        self.counters.started(job.statement.kind.value)
        named = self._named_session(job, asked, stack)
        session = await pool.acquire()
        stack.callback(pool.release, session)
        if named is None or job.statement.kind is StatementKind.KILL:
            return session
        return await self._kept(named, session, needed=job.statement.changes_session)

    def _named_session(self, job: QueryJob, asked: Asked, stack: ExitStack) -> NamedSession | None:
        wanted = job.query.session
        if wanted is None:
            return None
        named = self.sessions.enter(asked.user, wanted, readonly=asked.readonly)
        stack.callback(self.sessions.leave, named, wanted)
        return named

    async def _kept(self, named: NamedSession, session: Session, *, needed: bool) -> Session:
        """The named session's own connection, if it has one or needs one now; else the one of the pool.

        The pool's stays taken either way: it stands for the right to run.
        """
        if named.connection is not None or not needed:
            return named.connection or session
        opening = self.sessions.reserve(named)
        try:
            return await asyncio.shield(asyncio.to_thread(opening))
        except Exception:
            self.sessions.unreserve()
            raise

    def _leave(self, query_id: str) -> None:
        self._running.discard(query_id)
        self.ended += 1

    def _begin(self, job: QueryJob, asked: Asked, session: Session, stack: ExitStack) -> Reply:
        """Start the query's thread; what `stack` holds is the thread's until it ends."""
        query, config = job.query, self.config
        accepted = asked.headers.get("accept-encoding", "") if query.http_compress else ""
        exchange = Exchange(asyncio.get_running_loop())
        tag, encoding = secrets.token_hex(8), choose_encoding(accepted)
        whole = query.wait_end or asked.whole
        patient = whole or query.buffer_size is not None
        buffer = min(query.buffer_size or config.response_buffer_bytes, _MAX_BUFFER)
        writer = ResultWriter(
            exchange,
            self.engine.scratch,
            hold_back=config.result_spool_bytes if whole else buffer,
            patient=patient,
            native_compress=query.native_compress,
            encoder=encoder(encoding) if encoding else None,
            exception_tag=tag,
            whole=asked.whole,
        )
        loop = asyncio.get_running_loop()
        finished = loop.run_in_executor(self._threads, run_and_close, self.engine, session, job, writer)
        held = stack.pop_all()  # the thread needs them until it ends, whatever becomes of the request
        finished.add_done_callback(partial(_ended, held, exchange))
        return Reply(query.query_id, exchange, tag, encoding, finished)

    async def kill(self, query_id: str) -> None:
        """End the query with this id, if it runs."""
        session = await self._control.acquire()
        try:
            await asyncio.to_thread(session.execute, kill_statement(query_id), "TabSeparated", {}, Progress())
        finally:
            self._control.release(session)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = watched.begin(work, "watch of a query")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, deadline_s: float) -> None:
        """Let the running queries end until the deadline, kill the rest, and close the folder."""
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline_s
        await self._all_ended(until)
        for query_id in tuple(self._running):
            await self.kill(query_id)
        await self._all_ended(until + 5)
        if self._running:
            raise TimeoutError(f"{len(self._running)} queries did not end when killed: the folder was not closed")
        await asyncio.to_thread(self._threads.shutdown)
        self.sessions.close()
        for pool in self._pools:
            for session in pool.sessions:
                session.close()
        self.engine.close()

    async def _all_ended(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        while self._running and loop.time() < until:  # noqa: ASYNC110 - also ends by the clock
            await asyncio.sleep(0.02)


def _ended(held: ExitStack, exchange: Exchange, ran: "asyncio.Future[None]") -> None:
    """Let go of what the query held. Its thread writes its errors itself; where even that fails nobody must wait."""
    held.close()
    error = None if ran.cancelled() else ran.exception()
    if error is not None:
        watched.died("query", error)
        exchange.fail(from_engine(error))
