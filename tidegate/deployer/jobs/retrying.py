"""Which failures can pass, and when to try again. Pure but for the names of the libraries' own errors."""

from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError

from model_runner.disk.space import is_full
from tidegate.rollout.publishing import PublishError

ATTEMPTS = 4
"""Of a job whose failures can pass; then it has failed."""
FIRST_S = 1.0
FACTOR = 3.0
JITTER = 0.2

LONGEST_PAUSE = timedelta(seconds=FIRST_S * FACTOR ** (ATTEMPTS - 2) * (1 + JITTER))

_PASSING = (PublishError, OperationalError, ConnectionError, TimeoutError)


def can_pass(error: BaseException) -> bool:
    """Whether the reason may be gone in a moment: a network, a broker or a lock, never the model, nor a full disk."""
    if is_full(error):
        return False
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _PASSING):
            return True
        cause = cause.__cause__
    return False


def next_attempt(attempts: int, now: datetime, draw: float) -> datetime | None:
    """When a job that has failed so many times is tried again; None when that is enough.

    Args:
        attempts: how many there were, from 1.
        now: of the last failure.
        draw: a random number of [0, 1).
    """
    if attempts >= ATTEMPTS:
        return None
    delay = FIRST_S * FACTOR ** (attempts - 1) * (1 + JITTER * (2 * draw - 1))
    return now + timedelta(seconds=delay)
