"""Who leaves together, and who gets what. Time is a counter here."""

from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Any

from model_runner.model import Row
from model_runner.serving.batching import BatchedResult, WaitingRequest, run_batch, take_batch


def _job(rows: int, cancelled: bool = False) -> WaitingRequest:
    return WaitingRequest([{"x": i} for i in range(rows)], lambda _: None, cancelled)


def _clock() -> Any:
    ticks = count()
    return lambda: float(next(ticks))


def _double(rows: Sequence[Row]) -> list[Any]:
    if any(row["x"] < 0 for row in rows):
        raise ValueError("negative")
    return [row["x"] * 2 for row in rows]


def test_a_batch_is_in_order_and_within_its_rows() -> None:
    jobs = [_job(2), _job(3), _job(1), _job(5)]
    waiting = deque(jobs)
    assert take_batch(waiting, 6) == jobs[:3]
    assert take_batch(waiting, 6) == jobs[3:]
    assert take_batch(waiting, 6) == []


def test_a_request_larger_than_a_batch_goes_alone() -> None:
    jobs = [_job(50), _job(1)]
    waiting = deque(jobs)
    assert take_batch(waiting, 10) == jobs[:1]
    assert list(waiting) == jobs[1:]


def test_cancelled_requests_vanish() -> None:
    jobs = [_job(1, True), _job(1), _job(1, True), _job(1)]
    waiting = deque(jobs)
    assert take_batch(waiting, 10) == [jobs[1], jobs[3]]
    assert not waiting


def test_each_request_gets_its_own_rows_back() -> None:
    found = run_batch(_double, [[{"x": 1}], [{"x": 2}, {"x": 3}]], _clock())
    assert found == [BatchedResult([2], None, 1000.0, 3), BatchedResult([4, 6], None, 1000.0, 3)]


def test_a_failing_batch_is_tried_request_by_request() -> None:
    first, bad, last = run_batch(_double, [[{"x": 1}], [{"x": -1}], [{"x": 2}]], _clock())
    assert (first.predictions, last.predictions) == ([2], [4])
    assert (bad.predictions, bad.error) == (None, "ValueError: negative")
    assert first.batch_size == 1


def test_a_model_that_answers_too_few_is_an_error() -> None:
    (outcome,) = run_batch(lambda _: [1], [[{"x": 1}, {"x": 2}]], _clock())
    assert outcome.predictions is None
    assert outcome.error == "the model answered 1 predictions for 2 instances"


def test_a_model_that_exits_is_an_error_like_any_other() -> None:
    def leave(rows: Sequence[Row]) -> list[Any]:
        raise SystemExit(3)

    (outcome,) = run_batch(leave, [[{"x": 1}]], _clock())
    assert outcome.error == "SystemExit: 3"
