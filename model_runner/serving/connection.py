"""One client of a runner: frames in, each answered when it is done."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, cast

import msgspec

from model_runner import watched
from model_runner.decode_errors import UNREADABLE
from model_runner.serving.batching import BatchedResult, WaitingRequest
from model_runner.serving.model_thread import QueueFullError
from model_runner.serving.runner import Runner
from model_runner.wire.frames import (
    BAD_REQUEST,
    BECOME,
    CANCEL,
    DESCRIBE,
    EXPLAIN,
    LOAD,
    OF_THE_CONNECTION,
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
    encode_frame,
    encode_reply,
    id_of,
)

log = logging.getLogger("model_runner")


class Connection(asyncio.Protocol):
    """One client: many requests in flight, each answered when it is done."""

    def __init__(self, runner: Runner, *, is_welcome: bool) -> None:
        """
        Args:
            is_welcome: whether the client was told already that its connection is taken on, by a handshake.
        """
        self._runner = runner
        self._is_welcome = is_welcome
        self._reader = FrameReader()
        self._decoder = msgspec.msgpack.Decoder(Request)
        self._jobs: dict[int, WaitingRequest] = {}
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._runner.connections.add(self)
        if not self._is_welcome:
            self._send(Reply(OF_THE_CONNECTION))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._runner.connections.discard(self)
        for job in self._jobs.values():
            job.cancelled = True
        self._jobs.clear()
        self._transport = None

    def take_leave(self) -> None:
        """Say that what was not answered was not begun; not where that would be a lie."""
        if not self._jobs:
            self._send(Reply(OF_THE_CONNECTION, STOPPING, "the runner is stopping"))

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
