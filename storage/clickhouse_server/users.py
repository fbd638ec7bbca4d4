"""Who may ask, and whether only to read."""

import hmac
import logging
import math
from dataclasses import dataclass

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.errors import AUTHENTICATION_FAILED, ClickHouseError
from storage.clickhouse_server.request import Credentials

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class User:
    """A user who has shown the password."""

    name: str
    readonly: bool


def authenticate(config: ClickHouseServerConfig, given: Credentials) -> User:
    """The user of these credentials.

    Raises ClickHouseError 516, the same for an unknown name as for a wrong password.
    """
    known = {
        config.user: (config.password, False),
        config.readonly_user: (config.readonly_password, True),
    }
    expected, readonly = known.get(given.user, (None, True))
    # What came by a URL may hold bytes that are no text.
    password = given.password.encode("utf-8", "surrogateescape")
    if expected is None or (expected and not hmac.compare_digest(expected.encode(), password)):
        raise ClickHouseError(
            AUTHENTICATION_FAILED,
            f"{given.user}: Authentication failed: password is incorrect, or there is no user with such name.",
            "AUTHENTICATION_FAILED",
        )
    return User(given.user, readonly)


class FailedTries:
    """Tells the log of wrong passwords: the first at once, then how many there were, with `every_s` seconds between."""

    def __init__(self, every_s: float = 60.0) -> None:
        self._every_s = every_s
        self._told_at = -math.inf
        self._untold = 0

    def note(self, now_s: float, client: str) -> None:
        """One more, from this address, at `now_s` seconds of any clock."""
        self._untold += 1
        if now_s - self._told_at >= self._every_s:
            _log.warning("%d requests with a wrong user or password since last told, now from %s", self._untold, client)
            self._told_at, self._untold = now_s, 0
