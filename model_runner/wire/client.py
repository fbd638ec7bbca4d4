"""The gateway's side of a runner's socket: many requests in flight on one connection, which is made again when lost."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runner import watched
from model_runner.schema.manner import Manner
from model_runner.wire.connection import RunnerConnection
from model_runner.wire.dialling import dial
from model_runner.wire.failures import (
    RunnerLiedError,
    RunnerOverloadedError,
    RunnerTimeoutError,
    RunnerUnavailableError,
)
from model_runner.wire.frames import (
    BECOME,
    DESCRIBE,
    EXPLAIN,
    LOAD,
    OWN,
    PREDICT,
    SERVE,
    Reply,
    Request,
    RunnerInfo,
    Whose,
    encode_frame,
)
from model_runner.wire.replies import failure_in, lie_in
from model_runner.wire.tcp_address import is_tcp

MOST_UNSENT_BYTES = 64_000_000
"""What may wait for a runner that does not read; a request more is refused."""


@dataclass(frozen=True)
class ClientConfig:
    """Bounds of one client."""

    queue: int = 512
    """Requests under way to one runner; one more is refused at once."""
    timeout_s: float = 30.0
    reconnect_s: float = 2.0
    """How long a request waits for a runner that is being restarted."""


class RunnerClient:
    """Connects when first asked. Belongs to one event loop."""

    def __init__(
        self,
        socket: Path | str,
        config: ClientConfig | None = None,
        token: str | None = None,
        *,
        on_lost: Callable[[], None] = lambda: None,
        on_lie: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        Args:
            socket: path of a Unix socket, or `tcp://host:port`.
            token: of the deployment, over TCP.
            on_lost: called when the connection is lost.
            on_lie: called with what it sent that no runner sends.
        """
        self._socket = str(socket)
        self._config = config or ClientConfig()
        self._token = token
        self._on_lost = on_lost
        self._on_lie = on_lie
        self._connection: RunnerConnection | None = None
        self._connecting: asyncio.Task[RunnerConnection] | None = None
        self._last_id = 0
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    @property
    def under_way(self) -> int:
        """Requests that have not been answered yet."""
        return self._under_way

    async def predict(self, rows: Sequence[dict[str, Any]]) -> Reply:
        """One request through the model.

        Raises:
            RunnerError: one of its kinds, each with its own remedy.
            OverflowError: a row holds an integer of more than 64 bits.
        """
        return await self._answered(PREDICT, rows, None, len(rows))

    async def own(self, rows: Sequence[dict[str, Any]], start: int | None) -> Reply:
        """What the model itself answers, without what serving adds. Raises as `predict`.

        Args:
            rows: at least one.
            start: which row of the reference is the first; None where they are not of it.
        """
        return await self._answered(OWN, rows, start, len(rows))

    async def explain(self, row: dict[str, Any], start: int | None) -> list[Any]:
        """Which columns make the model itself answer this row otherwise, in words. Raises as `predict`."""
        return (await self._answered(EXPLAIN, [row], start, None)).predictions or []

    async def _answered(self, op: str, rows: Sequence[dict[str, Any]], start: int | None, wanted: int | None) -> Reply:
        if self._under_way >= self._config.queue:
            raise RunnerOverloadedError(f"{self._under_way} requests are under way to this model")
        self._under_way += 1
        self._idle.clear()
        try:
            connection, reply = await self._ask(op, list(rows), self._config.timeout_s, start)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        if reply.error is None:
            lie = lie_in(reply, len(reply.predictions or ()) if wanted is None else wanted)
            if lie is None:
                return reply
            connection.drop(lie)
            raise RunnerLiedError(f"the runner sent {lie}")
        raise failure_in(reply)

    async def describe(self, timeout_s: float = 2.0) -> RunnerInfo:
        """What the runner says about itself. Raises RunnerError."""
        connection, reply = await self._ask(DESCRIBE, None, timeout_s)
        if reply.info is None:
            connection.drop("no description of itself")
            raise RunnerLiedError("the runner did not describe itself")
        return reply.info

    async def become(self, whose: Whose) -> None:
        """Tell a process that was nobody's whose it is. Raises RunnerError."""
        _, reply = await self._ask(BECOME, None, self._config.timeout_s, whose=whose)
        if reply.error is not None:
            raise failure_in(reply)

    async def load(self) -> None:
        """Let a runner that waits for it load its model. Raises RunnerError."""
        await self._ask(LOAD, None, self._config.timeout_s)

    async def end_check(self, manner: Manner) -> None:
        """Have the runner serve in this manner, and let go of what only a check needs. Raises RunnerError."""
        _, reply = await self._ask(SERVE, None, self._config.timeout_s, manner=manner)
        if reply.error is not None:
            raise failure_in(reply)

    async def close_when_idle(self, deadline_s: float) -> None:
        """Close once nothing is under way, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """Requests under way fail with RunnerFailedError."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None and self._connection.transport is not None:
            # Not `close`: that waits for a runner to read what it was sent, and one may never do.
            self._connection.transport.abort()
        self._connection = None

    async def _ask(
        self,
        op: str,
        rows: list[dict[str, Any]] | None,
        timeout_s: float,
        start: int | None = None,
        manner: Manner | None = None,
        whose: Whose | None = None,
    ) -> tuple[RunnerConnection, Reply]:
        self._last_id += 1
        request = self._last_id
        frame = encode_frame(Request(request, op, rows, start, manner, whose))
        connection = self._connection or await self._connect()
        if connection.transport is None:
            raise RunnerUnavailableError("the runner went away before it was asked")
        if connection.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            raise RunnerOverloadedError("the runner does not read what it is sent")
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        connection.pending[request] = future
        connection.transport.write(frame)
        try:
            async with asyncio.timeout(timeout_s):
                return connection, await future
        except TimeoutError:
            raise RunnerTimeoutError(f"no answer within {timeout_s:g} s") from None
        finally:
            connection.give_up(request)

    async def _connect(self) -> RunnerConnection:
        if self._closed:
            raise RunnerUnavailableError("this client is closed")
        if self._connecting is None:
            self._connecting = watched.awaited(self._dial())
            self._connecting.add_done_callback(self._dialled)
        # Shielded: a request that is cancelled must not cancel the connection that others wait for.
        try:
            return await asyncio.shield(self._connecting)
        except asyncio.CancelledError:
            if not self._closed:
                raise
            raise RunnerUnavailableError("this client was closed") from None

    def _dialled(self, task: asyncio.Task[RunnerConnection]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()  # each waiter got it; nobody may be left, and asyncio would complain

    async def _dial(self) -> RunnerConnection:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._config.reconnect_s
        pause = 0.02
        while True:
            try:
                connection = await dial(self._socket, self._token, self._made)
            except OSError as error:
                if loop.time() + pause > deadline:
                    raise RunnerUnavailableError(f"no runner on {self._socket}: {error.strerror or error}") from None
            else:
                self._connection = connection
                return connection
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(pause * 1.6, 0.25)

    def _made(self) -> RunnerConnection:
        return RunnerConnection(self._lost, self._on_lie, is_taken_on=is_tcp(self._socket))

    def _lost(self, connection: RunnerConnection) -> None:
        if self._connection is connection:
            self._connection = None
            self._on_lost()
