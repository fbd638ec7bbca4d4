"""Bytes of topic `alerts` to an alert that can be delivered, or the reason why they are none."""

import re

import msgspec

from stream.contracts.alerts import Alert, decode_alert
from stream.contracts.dead_letters import Reason, reason_of
from stream.contracts.decode_errors import UNREADABLE

MAX_ALERT_BYTES = 262_144
"""A hundred times what the rules make; bounds the memory of what waits for delivery."""
_ID = re.compile(r"[\x21-\x7e]{1,200}")
"""It becomes a header: visible ASCII, so that no alert can write a header of its own."""
_STATES = frozenset({"firing", "resolved"})


class UnreadableAlertError(Exception):
    """The record is no alert."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_alert(value: bytes | None) -> Alert:
    """The alert in one record.

    Raises:
        UnreadableAlertError: there is none that can be delivered.
    """
    if value is not None and len(value) > MAX_ALERT_BYTES:
        raise UnreadableAlertError(Reason.TOO_LARGE, f"{len(value)} bytes; an alert has at most {MAX_ALERT_BYTES}")
    try:
        alert = decode_alert(value or b"")
    except msgspec.ValidationError as error:
        raise UnreadableAlertError(Reason.WRONG_TYPE, str(error)) from error
    except UNREADABLE as error:
        raise UnreadableAlertError(reason_of(error, Reason.NOT_JSON), str(error)) from error
    if not _ID.fullmatch(alert.change_id) or not _ID.fullmatch(alert.alert_id):
        raise UnreadableAlertError(Reason.WRONG_TYPE, "alert_id and change_id are 1 to 200 visible ASCII characters")
    if alert.state not in _STATES:
        raise UnreadableAlertError(Reason.WRONG_TYPE, f"state is {alert.state[:50]!r}, neither firing nor resolved")
    return alert
