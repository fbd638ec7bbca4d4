"""How every process logs: one line an event on stderr, key=value; the supervisor keeps the files."""

import logging
import sys

import structlog
from structlog.typing import EventDict

from model_runner.plain_text import printable


class _CalmFormatter(logging.Formatter):
    """Lines that hold a stranger's words move no cursor of whoever reads the log on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return _calmed(super().format(record))


def calm_handler(form: str) -> logging.Handler:
    """To stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_CalmFormatter(form))
    return handler


def _calmed(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _calm(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: _calmed(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(level: str) -> None:
    """Send structlog and the standard library's loggers to stderr in one format."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _calm,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = calm_handler("%(asctime)s [%(levelname)s] %(name)s: %(message)s")
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("aiokafka", "faust", "kafka", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
