"""The serving process of one deployment: frames in from a Unix socket, through the model, and out."""

import asyncio
import gc
import logging
import os
import socket as sockets
import sys
import time
import warnings
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import msgspec

from model_runner import watched
from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError
from model_runner.explaining.raised import in_words
from model_runner.folder.schema_source import schema_text
from model_runner.limits import DEFAULT_LIMITS, Limits, over_load_time
from model_runner.process.listening import bind
from model_runner.schema.manner import Manner
from model_runner.serving.batching import BatchedResult, WaitingRequest
from model_runner.serving.loading import ServingModel, load_and_warm, served_in
from model_runner.serving.model_thread import ModelThread, QueueFullError
from model_runner.serving.own_answers import OwnAnswers
from model_runner.serving.warming import import_each, looked_for
from model_runner.serving.watchdog import watch
from model_runner.wire.frames import (
    BAD_REQUEST,
    BECOME,
    CANCEL,
    DESCRIBE,
    EXPLAIN,
    LEAVING_ID,
    LOAD,
    OVERLOADED,
    OWN,
    PREDICT,
    PREDICTION_FAILED,
    SERVE,
    STOPPING,
    UNFIT_VALUE,
    FrameReader,
    Reply,
    Request,
    RunnerInfo,
    encode_frame,
    encode_reply,
    id_of,
)
from model_runner.wire.guarded import listen
from model_runner.wire.tcp_address import TcpAddress

log = logging.getLogger("model_runner")


@dataclass(frozen=True)
class RunnerConfig:
    """What a runner is started with."""

    folder: Path
    socket: Path | sockets.socket
    """Where to listen: a path, or a socket that listens already."""
    deployment_id: str
    tcp: TcpAddress | None = None
    """Where it is to be reached too, once the model is ready."""
    token: str | None = field(default=None, repr=False)
    """What gateways have to know over TCP."""
    max_waiting: int = 512
    """Requests that wait behind the batch in the model; one more is answered `overloaded`."""
    max_batch_rows: int = 1024
    drain_s: float = 10.0
    """How long a stop waits for what is under way."""
    awaits_word_s: float | None = None
    """The folder's files are touched only when somebody says so (LOAD), within this time; None loads at once."""
    libraries: tuple[str, ...] = ()
    """To be imported meanwhile."""
    is_spare: bool = False
    """It is nobody's until somebody says whose it is (BECOME), and waits for that for ever; then for the word."""
    limits: Limits = DEFAULT_LIMITS
    """Memory and CPUs are held by whoever started the process, its times by the process itself."""


_LEAVE_S = 1.0
"""How long a stop waits for those that were told of it to close."""


class Runner:
    """State that all connections share."""

    def __init__(self, config: RunnerConfig) -> None:
        self.config = config
        self.thread = ModelThread(config.max_waiting, config.max_batch_rows, time.perf_counter)
        self.stopping = False
        self.connections: set[Connection] = set()
        self._serving: ServingModel | None = None
        self._own: OwnAnswers | None = None
        """Until its check is over."""
        self.may_load = asyncio.Event()
        self._has_imported = False
        self._looked_for: set[str] = set()
        """Names of modules, by what it imported as a spare."""
        self._taken = asyncio.Event()

    async def load(self) -> None:
        """load → warm → ready.

        Raises:
            ModelError: the folder cannot be served.
        """
        await self._until_it_may()
        seconds = self.config.limits.load_seconds
        try:
            async with asyncio.timeout(seconds):
                serving = await self.thread.call(lambda: load_and_warm(self.config.folder, time.perf_counter))
        except TimeoutError:
            raise over_load_time("model", seconds or 0.0) from None
        log.info("load %s in %.0f ms", serving.model.description, serving.load_ms)
        log.info("warm in %.0f ms", serving.warm_ms)
        for note in serving.notes:
            log.warning("%s", note)
        if serving.inputs.schema is None:
            log.warning("no input schema: this model serves unvalidated; declare [features] in tidegate.toml")
        # It had its say while it loaded and warmed; the same line for every request would only fill the disk.
        warnings.simplefilter("ignore")
        self._own = serving.own
        self._serve(serving)
        where = self.config.socket
        log.info("ready on %s", where if isinstance(where, Path) else where.getsockname())

    async def _until_it_may(self) -> None:
        """Raises ModelError: nobody said so. It ends then, whoever still holds it."""
        seconds = self.config.awaits_word_s
        if seconds is None:
            return
        if self.config.is_spare:
            await self._until_taken()
        try:
            async with asyncio.timeout(seconds):
                for _ in import_each(self.config.libraries):
                    if self.may_load.is_set():
                        return
                    await asyncio.sleep(0)
                await self.may_load.wait()
        except TimeoutError:
            problem = f"was not loaded: nobody said within {seconds:g} s that it may be"
            raise ModelError("model", problem, "Deploy it again") from None

    async def _until_taken(self) -> None:
        with looked_for() as self._looked_for:
            for _ in import_each(self.config.libraries):
                await asyncio.sleep(0)
        gc.collect()
        self._has_imported = True
        await self._taken.wait()

    def become(self, request: Request) -> Reply:
        """From now on it is this deployment's; once."""
        whose = request.whose
        if whose is None or not self.config.is_spare or self._taken.is_set():
            return Reply(request.id, BAD_REQUEST, "this process is somebody's already")
        other = sorted(self._looked_for.intersection(whose.own_modules))
        if other:
            return Reply(request.id, BAD_REQUEST, f"it has looked for {other[0]} elsewhere, which the folder has")
        self.config = replace(self.config, deployment_id=whose.deployment_id, libraries=whose.libraries)
        self._taken.set()
        return Reply(request.id)

    def info(self) -> RunnerInfo:
        serving = self._serving
        common = {
            "deployment_id": self.config.deployment_id,
            "pid": os.getpid(),
            "waiting": self.thread.waiting,
            "busy_s": self.thread.busy_s,
        }
        if serving is None:
            is_spare = self._has_imported and not self._taken.is_set()
            return RunnerInfo(state="spare" if is_spare else "loading", **common)  # type: ignore[arg-type]
        return RunnerInfo(
            state="stopping" if self.stopping else "ready",
            model=serving.model.description,
            notes=serving.notes,
            task=serving.task,
            schema=schema_text(serving.inputs),
            example=serving.inputs.example,
            manner=serving.inputs.manner or Manner(),
            comparable=serving.own.are_its_own,
            load_ms=serving.load_ms,
            warm_ms=serving.warm_ms,
            **common,  # type: ignore[arg-type]
        )

    async def compared(self, request: Request) -> Reply:
        """What the model itself answers to the rows, or why it answers the one row otherwise."""
        own, rows = self._own, request.rows or []
        if own is None:
            return Reply(request.id, BAD_REQUEST, "the model is not loaded yet, or its check is over")
        ask = own.answers if request.op == OWN else own.explain
        try:
            found = list(await self.thread.call(lambda: ask(rows, request.start)))
            return Reply(request.id, None, own.said, found)
        except Exception as error:  # a model's code may raise anything
            return Reply(request.id, PREDICTION_FAILED, in_words(error))

    async def end_check(self, request: Request) -> Reply:
        """Serve as any other will that is started with what the check found out; let go of what only a check needs."""
        serving, manner = self._serving, request.manner
        if serving is None or manner is None:
            return Reply(request.id, BAD_REQUEST, "the model is not loaded yet, or there is no manner")
        try:
            if manner != serving.inputs.manner:
                self._serve(await self.thread.call(lambda: served_in(serving, self.config.folder, manner)))
            self._own = None
            serving.own.forget()
            await self.thread.call(gc.collect)
        except Exception as error:  # a model's code may raise anything
            return Reply(request.id, PREDICTION_FAILED, in_words(error))
        return Reply(request.id)

    def _serve(self, serving: ServingModel) -> None:
        self._serving = serving
        manner = serving.inputs.manner
        self.thread.start(serving.predict, alone=manner is not None and manner.alone)

    async def stop(self) -> None:
        """Refuse what is new, finish what is under way."""
        self.stopping = True
        try:
            async with asyncio.timeout(self.config.drain_s):
                await self.thread.drain()
        except TimeoutError:
            log.warning("gave up %d requests after %.0f s", self.thread.waiting, self.config.drain_s)
        for connection in self.connections:
            connection.take_leave()
        # Who is told closes; what it had sent meanwhile is read and refused, where an exit would cut it off unseen.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                while self.connections:  # noqa: ASYNC110  each is closed by another process
                    await asyncio.sleep(0.005)


class Connection(asyncio.Protocol):
    """One client: many requests in flight, each answered when it is done."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._reader = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(Request)
        self._jobs: dict[int, WaitingRequest] = {}
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._runner.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._runner.connections.discard(self)
        for job in self._jobs.values():
            job.cancelled = True
        self._jobs.clear()
        self._transport = None

    def take_leave(self) -> None:
        """Say that what was not answered was not begun; not where that would be a lie."""
        if not self._jobs:
            self._send(Reply(LEAVING_ID, STOPPING, "the runner is stopping"))

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._read(frame)
        except UNREADABLE as error:
            log.warning("closing a connection that speaks something else: %s", error)
            if self._transport is not None:
                self._transport.close()

    def _read(self, frame: bytes) -> None:
        """Raises one of UNREADABLE: it is no request."""
        try:
            request = self._decoder.decode(frame)
        except RecursionError:
            # Nested just so deep that the gateway could read it. It must not cost the others on this connection.
            number = id_of(frame)
            if number is None:
                raise ValueError("a frame that is nested too deeply, without an id") from None
            self._send(Reply(number, BAD_REQUEST, "the instances are nested too deeply"))
        else:
            self._handle(request)

    def _handle(self, request: Request) -> None:
        if request.op == PREDICT and request.rows is not None:
            self._predict(request.id, request.rows)
        elif request.op == CANCEL:
            job = self._jobs.pop(request.id, None)
            if job is not None:
                job.cancelled = True
        elif request.op in {OWN, EXPLAIN} and request.rows:
            self._reply_later(self._runner.compared(request))
        elif request.op == BECOME:
            self._send(self._runner.become(request))
        elif request.op == LOAD:
            self._runner.may_load.set()
            self._send(Reply(request.id))
        elif request.op == SERVE:
            self._reply_later(self._runner.end_check(request))
        elif request.op == DESCRIBE:
            self._send(Reply(request.id, info=self._runner.info()))
        else:
            self._send(Reply(request.id, BAD_REQUEST, f"unknown operation {request.op!r}, or no rows"))

    def _predict(self, request_id: int, rows: list[dict[str, object]]) -> None:
        if self._runner.stopping:
            self._send(Reply(request_id, STOPPING, "the runner is stopping"))
            return
        try:
            job = self._runner.thread.submit(rows, lambda outcome: self._answer(request_id, outcome))
        except QueueFullError:
            self._send(Reply(request_id, OVERLOADED, f"{self._runner.thread.waiting} requests wait for this model"))
        else:
            self._jobs[request_id] = job

    def _reply_later(self, answering: Coroutine[Any, Any, Reply]) -> None:
        """To a check, which asks one thing after the other."""
        task = watched.awaited(answering)
        task.add_done_callback(lambda done: None if done.cancelled() else self._send(done.result()))

    def _answer(self, request_id: int, outcome: BatchedResult) -> None:
        self._jobs.pop(request_id, None)
        error = None if outcome.error is None else PREDICTION_FAILED if outcome.unfit is None else UNFIT_VALUE
        found = (outcome.predictions, outcome.model_ms, outcome.batch_size)
        self._send(Reply(request_id, error, outcome.error or "", *found, unfit=outcome.unfit))

    def _send(self, reply: Reply) -> None:
        if self._transport is None:
            return
        try:
            frame = encode_reply(reply)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            frame = encode_frame(Reply(reply.id, PREDICTION_FAILED, f"the prediction is not JSON-able: {error}"))
        self._transport.write(frame)


async def serve(config: RunnerConfig, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. The socket answers from the start; what comes before the model is ready waits for it.

    Raises:
        ModelError: the folder cannot be served.
        OSError: the socket cannot be made, or the port is taken.
    """
    runner = Runner(config)
    servers: list[asyncio.AbstractServer] = [await _listen(runner)]
    watching = None
    try:
        loading = watched.awaited(runner.load())
        stopping = watched.awaited(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            await loading
            # Only now: an orchestrator takes an open port for readiness.
            if config.tcp is not None and config.token is not None:
                servers.append(await listen(config.tcp, config.token, lambda: Connection(runner)))
                log.info("reached by %s", config.tcp)
            watching = watched.keep(lambda: watch(runner.thread, config.limits), "watch of the model")
            await stopping
        else:
            loading.cancel()
        for each in servers:
            each.close()
        await runner.stop()
        # One turn of the loop, so that the last answers are written.
        await asyncio.sleep(0)
    finally:
        if watching is not None:
            watching.cancel()
        for each in servers:
            each.close()
        if isinstance(config.socket, Path):
            config.socket.unlink(missing_ok=True)


async def _listen(runner: Runner) -> asyncio.AbstractServer:
    """Raises OSError: the socket cannot be made."""
    where = runner.config.socket
    listener = bind(where) if isinstance(where, Path) else where
    listener.setblocking(False)
    # From 3.13 on asyncio removes the path, which is not this process's to remove.
    options: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
    return await asyncio.get_running_loop().create_unix_server(lambda: Connection(runner), sock=listener, **options)
