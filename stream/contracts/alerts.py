"""The contracts of topics `alerts` (changes of an alert's state) and `notifications` (attempts to deliver one)."""

import msgspec

from stream.contracts import sealed
from stream.contracts.metrics import MovedBucket


class Alert(sealed.Message, frozen=True, kw_only=True):
    """One change of state of one alert, with what a person needs to act on it. Keyed by `alert_id`."""

    alert_id: str
    """One per episode, in its `firing` and its `resolved`; made from what caused it, so replaying makes it again."""
    change_id: str
    """One per change of state; a receiver that has seen it may ignore it."""
    rule: str
    state: str
    """`firing` or `resolved`."""
    severity: str
    """`warning` or `critical`."""
    ts: str
    """When the state changed."""
    since: str
    """When the episode began."""
    workspace: str
    model: str
    version: int
    deployment_id: str
    series: str
    """The feature or prediction; empty for the rules about the service."""
    window: str
    summary: str
    """One sentence: what, from what to what, how sure."""
    value: float
    threshold: float
    n: int
    """Rows (or requests) in the window."""
    p_value: float | None
    noise_floor: float | None
    channels: list[str]
    moved: list[MovedBucket]
    next_steps: list[str]
    newest_ts: str
    """The latest event time that it rests on."""
    resolution: str | None = None
    """Why it was resolved, where that is no measurement: its deployment ended, and how."""


class Notification(sealed.Message, frozen=True, kw_only=True):
    """One attempt to deliver one alert change. Keyed by `alert_id`."""

    notification_id: str
    alert_id: str
    change_id: str
    ts: str
    channel: str
    """`webhook`."""
    target: str
    """The receiver's host and path, without credentials or query."""
    attempt: int
    outcome: str
    """`delivered`, `retrying` or `failed`."""
    status: int | None
    """The HTTP status; None when there was no answer."""
    detail: str
    elapsed_ms: float


_alerts = msgspec.json.Decoder(Alert)
_notifications = msgspec.json.Decoder(Notification)


def encode(message: Alert | Notification) -> bytes:
    return sealed.encode(message)


def decode_alert(value: bytes) -> Alert:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no alert."""
    return sealed.decode(value, _alerts)


def decode_notification(value: bytes) -> Notification:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no notification."""
    return sealed.decode(value, _notifications)
