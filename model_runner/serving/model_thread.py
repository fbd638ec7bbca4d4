"""The one thread in which the model runs, and the bounded queue before it; the event loop goes on reading meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

from model_runner import watched
from model_runner.model import Predict, Row
from model_runner.serving.batching import BatchedResult, WaitingRequest, run_batch, take_batch

T = TypeVar("T")


class QueueFullError(Exception):
    """As many requests wait as may."""


class ModelThread:
    """Runs one model. All methods are called from the event loop."""

    def __init__(self, max_waiting: int, max_rows: int, clock: Callable[[], float]) -> None:
        self._max_waiting = max_waiting
        self._max_rows = max_rows
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._waiting: deque[WaitingRequest] = deque()
        self._predict: Predict | None = None
        self._busy_since: float | None = None
        self._batch: list[WaitingRequest] = []
        self._idle = asyncio.Event()
        self._idle.set()
        # A daemon: a model that never returns must not keep the process from ending.
        watched.keep_thread(self._run, "model")

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def busy_s(self) -> float:
        return 0.0 if self._busy_since is None else self._clock() - self._busy_since

    async def call(self, function: Callable[[], T]) -> T:
        """Run anything in the model's thread (loading, warming)."""
        future: asyncio.Future[T] = self._loop.create_future()

        def work() -> None:
            try:
                result = function()
            except BaseException as error:
                self._loop.call_soon_threadsafe(future.set_exception, error)
            else:
                self._loop.call_soon_threadsafe(future.set_result, result)

        self._work.put(work)
        return await future

    def start(self, predict: Predict, *, alone: bool = False) -> None:
        """The model is ready: what waited goes first.

        Args:
            alone: each request is predicted by itself, whatever waits beside it.
        """
        self._predict = predict
        if alone:
            self._max_rows = 1  # of a batch that has a request already
        self._next()

    def submit(self, rows: Sequence[Row], done: Callable[[BatchedResult], None]) -> WaitingRequest:
        """Predict now if the model is idle, else with the next batch; `done` is called in the event loop.

        Raises:
            QueueFullError: max_waiting requests wait already.
        """
        if len(self._waiting) >= self._max_waiting:
            self._forget_cancelled()
            if len(self._waiting) >= self._max_waiting:
                raise QueueFullError
        job = WaitingRequest(rows, done)
        self._waiting.append(job)
        self._idle.clear()
        if self._busy_since is None:
            self._next()
        return job

    async def drain(self) -> None:
        """Wait until nothing waits and nothing runs."""
        await self._idle.wait()

    def give_up(self, why: str) -> None:
        """Answer those that are in the model, which may never come back."""
        for job in self._batch:
            if not job.cancelled:
                job.done(BatchedResult(None, why, self.busy_s * 1000, sum(len(each.rows) for each in self._batch)))

    def _forget_cancelled(self) -> None:
        self._waiting = deque(job for job in self._waiting if not job.cancelled)

    def _next(self) -> None:
        if self._predict is None:
            return
        batch = take_batch(self._waiting, self._max_rows)
        self._batch = batch
        if not batch:
            self._busy_since = None
            self._idle.set()
            return
        self._busy_since = self._clock()
        predict = self._predict

        def work() -> None:
            outcomes = run_batch(predict, [job.rows for job in batch], self._clock)
            self._loop.call_soon_threadsafe(self._finish, batch, outcomes)

        self._work.put(work)

    def _finish(self, batch: list[WaitingRequest], outcomes: list[BatchedResult]) -> None:
        # The model first: it computes while this thread writes the answers.
        self._next()
        for job, outcome in zip(batch, outcomes, strict=True):
            if not job.cancelled:
                job.done(outcome)

    def _run(self) -> None:
        while True:
            self._work.get()()
