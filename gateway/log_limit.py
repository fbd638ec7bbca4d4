"""A logger that says a few lines a minute at most: a client library whose broker is away repeats itself for ever."""

import logging
import time
from collections.abc import Callable


class LogLimit(logging.Filter):
    """Lets `most` lines through in each period, then one line with how many were kept back."""

    def __init__(self, most: int = 5, period_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._period_s = period_s
        self._clock = clock
        self._since = clock()
        self._said = 0
        self._kept_back = 0

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        if now - self._since >= self._period_s:
            if self._kept_back:
                record.msg = f"{record.getMessage()} ({self._kept_back} more lines were kept back)"
                record.args = ()
            self._since, self._said, self._kept_back = now, 0, 0
        self._said += 1
        if self._said <= self._most:
            return True
        self._kept_back += 1
        return False


def limited_logger(name: str) -> logging.Logger:
    """The logger of that name, limited once."""
    logger = logging.getLogger(name)
    if not any(isinstance(each, LogLimit) for each in logger.filters):
        logger.addFilter(LogLimit())
    return logger
