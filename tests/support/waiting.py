"""Waiting for a condition, never for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LEAST_S = 600.0
"""What a busy machine may take for anything. Only a test that fails waits so long."""
REST, LONGEST_REST_S = 3.0, 1.0
"""A question rests for so many times as long as it took: what is waited for needs the machine too."""


def wait_until(condition: Callable[[], T], deadline_s: float, what: str, every_s: float = 0.05) -> T:
    """Ask again and again, every `every_s` seconds or less often (REST), until the answer is true; return it.

    The condition is to read what it judges once: two reads in one expression see two moments.

    Fails with `what` after `deadline_s` seconds, or LEAST_S where that is more: a wait is no measurement.
    """
    deadline_s = max(deadline_s, LEAST_S)
    end = time.monotonic() + deadline_s
    while True:
        asked = time.monotonic()
        answer = condition()
        took_s = time.monotonic() - asked
        if answer:
            return answer
        if time.monotonic() >= end:
            raise AssertionError(f"waited {deadline_s:g} s for {what}; the last answer was {answer!r}")
        time.sleep(max(every_s, min(REST * took_s, LONGEST_REST_S)))
