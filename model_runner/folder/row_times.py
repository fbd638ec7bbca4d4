"""When the rows of a reference were: a column of times, as seconds since the epoch."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from model_runner.errors import ModelError
from model_runner.folder.toml_file import TOML_FILE

LATEST = 1e11
"""Seconds of the year 5138: a number beyond is in milliseconds or a finer unit."""
DATE_LENGTH = len("2026-01-31")
"""Text of this length or less is a date without a time of day."""
_FIX = f"Write times as 2026-01-31T10:00:00Z or in seconds since the epoch, or take timestamp out of {TOML_FILE}"


def read_times(column: Any, name: str, file: str) -> list[float | None]:
    """Seconds since the epoch of each row, None where it has no time.

    Args:
        column: an Arrow column of timestamps, of ISO 8601 text, or of seconds since the epoch. Times without a
            zone are UTC.
        name: what it is called, for errors.
        file: the file that it is from, for errors.

    Raises:
        ModelError: a value is no time, or has no time of day; or there is no value.
    """
    try:
        values = column.to_pylist()
    except OverflowError as error:
        problem = f"[reference] timestamp: column {name!r} has a time that is out of range"
        raise ModelError(file, problem, _FIX) from error
    times = [_checked(value, row, name, file) for row, value in enumerate(values, start=1)]
    if all(time is None for time in times):
        raise ModelError(file, f"[reference] timestamp: column {name!r} is empty", "Fill it, or name another column")
    return times


def _checked(value: object, row: int, name: str, file: str) -> float | None:
    try:
        return _seconds(value)
    except ValueError as error:
        problem = f"[reference] timestamp: column {name!r} has {value!r} in row {row}, {error}"
        raise ModelError(file, problem, _FIX) from error


def _seconds(value: object) -> float | None:
    if value is None or value == "" or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, datetime):
        return _of_datetime(value)
    if isinstance(value, date):
        raise ValueError("a date without a time of day")
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _of_number(float(value))
    raise ValueError("which is no time")


def _of_text(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("which is no ISO 8601 time") from error
    if len(text) <= DATE_LENGTH:
        raise ValueError("a date without a time of day")
    return _of_datetime(moment)


def _of_datetime(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _of_number(seconds: float) -> float:
    if not math.isfinite(seconds) or abs(seconds) >= LATEST:
        raise ValueError("which is no number of seconds since the epoch")
    return seconds
