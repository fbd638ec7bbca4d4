"""Which answers are worth another try, when, and for how long."""

import random

import pytest

from stream.delivery.retry import AttemptStatus, RetryPolicy, judge, retry_after

POLICY = RetryPolicy(attempts=5, total_s=100.0, first_s=1.0, longest_s=10.0)
NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_a_delivery(status: int) -> None:
    next_attempt = judge(POLICY, status, attempt=9, elapsed_s=1e6, retry_after_s=None, jitter=0.5)
    assert (next_attempt.outcome, next_attempt.wait_s) == (AttemptStatus.DELIVERED, 0.0)


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 504, 599])
def test_what_can_pass_is_tried_again(status: int | None) -> None:
    next_attempt = judge(POLICY, status, attempt=1, elapsed_s=0.1, retry_after_s=None, jitter=0.5)
    assert next_attempt.outcome is AttemptStatus.RETRYING
    assert next_attempt.wait_s == 0.75


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 410, 413, 422])
def test_what_cannot_pass_is_lost_at_once_and_says_what_to_change(status: int) -> None:
    next_attempt = judge(POLICY, status, attempt=1, elapsed_s=0.1, retry_after_s=3.0, jitter=0.5)
    assert next_attempt.outcome is AttemptStatus.FAILED
    assert "TIDEGATE_WEBHOOK_URL" in next_attempt.reason


def test_waits_double_within_their_jitter_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=1000, total_s=1e9, first_s=1.0, longest_s=10.0)
    seeded = random.Random(3)
    for attempt, full in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (900, 10.0)]:
        waits = [
            judge(policy, 500, attempt=attempt, elapsed_s=1, retry_after_s=None, jitter=seeded.random()).wait_s
            for _ in range(200)
        ]
        assert full / 2 <= min(waits) < full * 0.55
        assert full * 0.95 < max(waits) <= full


def test_attempts_and_time_are_bounded() -> None:
    by_attempts = judge(POLICY, 500, attempt=5, elapsed_s=20.0, retry_after_s=None, jitter=0.5)
    assert (by_attempts.outcome, by_attempts.reason) == (AttemptStatus.FAILED, "given up after 5 attempts in 20 s")
    by_time = judge(POLICY, None, attempt=2, elapsed_s=100.0, retry_after_s=None, jitter=0.5)
    assert (by_time.outcome, by_time.reason) == (AttemptStatus.FAILED, "given up after 2 attempts in 100 s")


def test_the_default_gives_a_receiver_ten_minutes() -> None:
    policy, elapsed, attempts = RetryPolicy(), 0.0, 0
    while True:
        attempts += 1
        next_attempt = judge(policy, None, attempt=attempts, elapsed_s=elapsed, retry_after_s=None, jitter=0.5)
        if next_attempt.outcome is AttemptStatus.FAILED:
            break
        elapsed += next_attempt.wait_s
    assert elapsed == pytest.approx(600.0)
    assert 10 < attempts <= 25


def test_a_receiver_that_asks_for_patience_gets_it_within_the_total() -> None:
    asked = judge(POLICY, 429, attempt=1, elapsed_s=0.0, retry_after_s=30.0, jitter=0.0)
    assert asked.wait_s == 30.0
    too_long = judge(POLICY, 503, attempt=1, elapsed_s=60.0, retry_after_s=3600.0, jitter=0.0)
    assert (too_long.outcome, too_long.wait_s) == (AttemptStatus.RETRYING, 40.0)
    impatient = judge(POLICY, 503, attempt=1, elapsed_s=0.0, retry_after_s=0.0, jitter=1.0)
    assert impatient.wait_s == 1.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 5000, 999_999_999.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 08:00:30 -0000", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("Fri, 99 Jan 2027 07:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        ("Mon, 01 Jan 2024 00:00:00 -9999", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT" + " " * 10 + "(" * 10_000, None),
        (",,,", None),
        ("Fri, 15 Jan 2027 08:00:é0 GMT", None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_a_moment_is_compared_with_the_receivers_clock_where_it_tells_it() -> None:
    moment = "Fri, 15 Jan 2027 08:00:30 GMT"
    for here in (NOW - 3600, NOW, NOW + 3600):
        assert retry_after(moment, here, "Fri, 15 Jan 2027 08:00:20 GMT") == 10.0
    assert retry_after(moment, NOW, "no date") == 30.0
    assert retry_after("30", NOW, "Fri, 15 Jan 2027 08:00:20 GMT") == 30.0
