"""Every way in which a request ends without a prediction: its status, its short code, and what to do next."""

from collections.abc import Sequence
from typing import Any

from model_runner.names import nearest
from model_runner.plain_text import plain
from model_runner.schema.instances import Problem, Problems
from model_runner.wire.failures import (
    PredictionFailedError,
    RunnerError,
    RunnerOverloadedError,
    RunnerTimeoutError,
    RunnerUnavailableError,
    UnfitInstanceError,
)

RETRY_AFTER_S = 1
RETRY_STARTING_S = 5
CLIENT_GONE = 499
"""Nobody is left to read it: nginx's number, for metrics and events only."""


class Refusal(Exception):  # noqa: N818 - it is the caller's answer, not our error
    """What the caller gets instead of a prediction."""

    def __init__(
        self, status: int, code: str, message: str, details: Sequence[Any] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = list(details)
        self.retry_after_s = retry_after_s


def unknown_model(model: str, known: Sequence[str]) -> Refusal:
    meant = nearest(model, known)
    if meant:
        hint = f"Did you mean {' or '.join(map(repr, meant))}?"
    elif known:
        hint = f"Models: {', '.join(known[:10])}."
    else:
        hint = "No model is deployed yet: `tidegate deploy PATH` deploys one."
    return Refusal(404, "unknown_model", f"No model {model!r} here. {hint}", [{"nearest": meant}] if meant else [])


def unauthorized() -> Refusal:
    message = "Send the token that `tidegate up` shows: Authorization: Bearer <token>"
    return Refusal(401, "unauthorized", message)


def too_many_tries(wait_s: int) -> Refusal:
    message = f"Too many wrong tries came from your address. Try again in {wait_s} s, with the right token"
    return Refusal(429, "too_many_tries", message, retry_after_s=wait_s)


def from_a_page(reason: str) -> Refusal:
    return Refusal(403, "foreign_request", reason)


def unknown_preview(model: str, preview: str, known: Sequence[str]) -> Refusal:
    meant = nearest(preview, known)
    there = f"Previews: {', '.join(known[:10])}." if known else "It has none; push a branch for one."
    message = f"Model {model!r} has no preview {preview!r} here. {there}"
    return Refusal(404, "unknown_preview", message, [{"nearest": meant}] if meant else [])


def asleep_too_many(waiting: int) -> Refusal:
    message = f"The model is being started and {waiting} requests wait for it already; try again shortly"
    return Refusal(503, "starting", message, retry_after_s=RETRY_STARTING_S)


def asleep_too_long(timeout_s: float) -> Refusal:
    message = f"The model is being started and did not answer within {timeout_s:g} s; try again shortly"
    return Refusal(503, "starting", message, retry_after_s=RETRY_STARTING_S)


def misfits(problems: Problems) -> Refusal:
    return Refusal(422, "invalid_features", str(problems), problems.listed)


def of_runner(error: RunnerError) -> Refusal:
    """The answer to a request that the runner could not serve."""
    if isinstance(error, RunnerOverloadedError):
        return Refusal(503, "overloaded", f"{error}; try again shortly", retry_after_s=RETRY_AFTER_S)
    if isinstance(error, RunnerUnavailableError):
        message = f"The model is not running ({error}); try again shortly"
        return Refusal(503, "runner_unavailable", message, retry_after_s=RETRY_AFTER_S)
    if isinstance(error, RunnerTimeoutError):
        return Refusal(504, "runner_timeout", f"The model gave {error}; send fewer instances, or try again")
    if isinstance(error, UnfitInstanceError):
        message = plain(error, 1000)
        return misfits(Problems(listed=(_unfit(error, message),), more=False))
    if isinstance(error, PredictionFailedError):
        return Refusal(500, "prediction_failed", f"The model failed on this input: {plain(error, 1000)}")
    return Refusal(502, "runner_failed", f"The model's process failed with this request in it: {error}; try again")


def _unfit(error: UnfitInstanceError, message: str) -> Problem:
    return Problem(row=error.row, field=plain(error.field, 200), expected=None, found=None, message=message)
