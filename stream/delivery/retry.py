"""Whether a delivery that was answered so is done, worth another try, or lost; time and jitter come in as arguments."""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus


class AttemptStatus(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"


@dataclass(frozen=True)
class RetryPolicy:
    """Waits double from `first_s` to `longest_s`, until either bound is met: about ten minutes in all."""

    attempts: int = 25
    total_s: float = 600.0
    """Of one delivery: no attempt begins later."""
    first_s: float = 0.5
    longest_s: float = 60.0


@dataclass(frozen=True)
class NextAttempt:
    """What follows from one answer."""

    outcome: AttemptStatus
    wait_s: float
    """Before the next attempt; 0 where there is none."""
    reason: str
    """In words; empty when delivered."""


_LONGEST_DATE = 64
"""HTTP's dates have 24 to 33 characters."""
_MAY_PASS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def may_pass(status: int | None) -> bool:
    """Whether the same request may be accepted later. None: there was no answer."""
    return status is None or status >= 500 or status in _MAY_PASS


def judge(
    policy: RetryPolicy,
    status: int | None,
    *,
    attempt: int,
    elapsed_s: float,
    retry_after_s: float | None,
    jitter: float,
) -> NextAttempt:
    """What to do after attempt number `attempt` (from 1), `elapsed_s` seconds after the delivery began.

    Args:
        retry_after_s: seconds that the receiver asks for; it is given them within the policy's total.
        jitter: 0 to 1, evenly random, so that many deliveries that failed together do not return together.
    """
    if status is not None and 200 <= status < 300:
        return NextAttempt(AttemptStatus.DELIVERED, 0.0, "")
    if not may_pass(status):
        return NextAttempt(AttemptStatus.FAILED, 0.0, _lasting(status))
    left = policy.total_s - elapsed_s
    if attempt >= policy.attempts or left <= 0:
        return NextAttempt(AttemptStatus.FAILED, 0.0, f"given up after {attempt} attempts in {elapsed_s:.0f} s")
    wait = min(max(_back_off(policy, attempt, jitter), retry_after_s or 0.0), left)
    return NextAttempt(AttemptStatus.RETRYING, wait, f"tried again in {wait:.1f} s")


def retry_after(value: str | None, now: float, date: str | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, in either form of RFC 9110, 10.2.3; never negative, always finite.

    None where there is no such header or it makes no sense.

    Args:
        value: the header, as it stands.
        now: seconds since the epoch, by this machine.
        date: the answer's Date header. Where it can be read a moment is compared with it, not with `now`: both are
            the receiver's, so that a clock that is set wrong, here or there, makes nobody wait longer.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = _moment(text)
    if moment is None:
        return None
    return max(0.0, moment - (now if date is None else _moment(date.strip()) or now))


def _moment(text: str) -> float | None:
    """Seconds since the epoch of a date as HTTP writes it; None where it is none."""
    if len(text) > _LONGEST_DATE or not text.isascii():
        return None
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        # The library was written for mail: an absurd offset overflows, odd commas leave it without fields.
        return None


def _back_off(policy: RetryPolicy, attempt: int, jitter: float) -> float:
    """Half of the wait is fixed, half is random."""
    longest = min(policy.longest_s, policy.first_s * 2.0 ** min(attempt - 1, 60))
    return longest * (0.5 + 0.5 * jitter)


def _lasting(status: int | None) -> str:
    if status is not None and 300 <= status < 400:
        return "redirects are not followed: set TIDEGATE_WEBHOOK_URL to where this one leads"
    return "the same request will not be accepted later: correct TIDEGATE_WEBHOOK_URL or the receiver"
