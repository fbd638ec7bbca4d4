"""Batching by load: what arrived while the model was busy leaves together. Pure: who goes, and who gets what."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from model_runner.model import Predict, Row
from model_runner.schema.dtypes import UnfitValueError
from model_runner.wire.frames import Unfit


@dataclass(frozen=True, slots=True)
class BatchedResult:
    """What became of one request."""

    predictions: list[Any] | None
    error: str | None
    """None, or what the model raised."""
    model_ms: float
    batch_size: int
    unfit: Unfit | None = None
    """Whose value it was, where the model cannot be given it."""


@dataclass(slots=True)
class WaitingRequest:
    """One request on its way through the model."""

    rows: Sequence[Row]
    done: Callable[[BatchedResult], None]
    cancelled: bool = False


def take_batch(waiting: deque[WaitingRequest], max_rows: int) -> list[WaitingRequest]:
    """Remove from the queue what goes together, in order of arrival: at least one, at most max_rows rows.

    Cancelled ones vanish.
    """
    batch: list[WaitingRequest] = []
    rows = 0
    while waiting:
        job = waiting[0]
        if not job.cancelled:
            if batch and rows + len(job.rows) > max_rows:
                break
            batch.append(job)
            rows += len(job.rows)
        waiting.popleft()
    return batch


def run_batch(predict: Predict, requests: Sequence[Sequence[Row]], clock: Callable[[], float]) -> list[BatchedResult]:
    """Predict the requests together; where that fails, each alone, so that one bad row fails only its own request.

    Args:
        clock: seconds, monotonic.
    """
    rows = [row for request in requests for row in request]
    outcome = _attempt(predict, rows, clock)
    if outcome.predictions is None:
        return [outcome] if len(requests) == 1 else [_attempt(predict, request, clock) for request in requests]
    outcomes = []
    start = 0
    for request in requests:
        stop = start + len(request)
        outcomes.append(BatchedResult(outcome.predictions[start:stop], None, outcome.model_ms, outcome.batch_size))
        start = stop
    return outcomes


def _attempt(predict: Predict, rows: Sequence[Row], clock: Callable[[], float]) -> BatchedResult:
    began = clock()
    predictions = None
    unfit = None
    try:
        predictions = predict(rows)
        error = None
        if len(predictions) != len(rows):
            error = f"the model answered {len(predictions)} predictions for {len(rows)} instances"
            predictions = None
    except UnfitValueError as raised:
        unfit = Unfit(raised.row, raised.field, raised.problem)
        error = str(raised)
    except BaseException as raised:
        error = f"{type(raised).__name__}: {_text(raised)}"
    return BatchedResult(predictions, error, (clock() - began) * 1000, len(rows), unfit)


def _text(error: BaseException) -> str:
    """A model's own exception may fail even to say what it is."""
    try:
        return str(error)
    except BaseException:
        return "it cannot be shown"
