"""A benchmark ends by itself, whatever hangs in it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLongError(Exception):
    """The bound was reached; what the benchmark started is ended on the way out."""


@contextmanager
def bounded(seconds: int, what: str) -> Iterator[None]:
    """Raise TooLongError in the block after so many seconds. For the main thread only."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"{what} took more than {seconds} s: its processes were ended, their logs went with them")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
