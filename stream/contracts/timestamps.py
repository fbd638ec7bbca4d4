"""Times as the contracts write them: RFC 3339, microseconds, UTC; their text order is their time order."""

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def to_text(moment: datetime | float) -> str:
    """A time (or seconds since the epoch) as text."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).strftime(_FORMAT)


def to_seconds(text: str) -> float:
    """Seconds since the epoch. Raises ValueError where the text is no time."""
    return datetime.fromisoformat(text).timestamp()
