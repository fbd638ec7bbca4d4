"""Who may ask, and whether only to read."""

from dataclasses import dataclass

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.errors import AUTHENTICATION_FAILED, ClickHouseError
from storage.clickhouse_server.request import Credentials
from web.door import Door


@dataclass(frozen=True, slots=True)
class User:
    """A user who has shown the password."""

    name: str
    readonly: bool


def authenticate(config: ClickHouseServerConfig, given: Credentials, door: Door, client: str, now: float) -> User:
    """The user of these credentials.

    Raises ClickHouseError 516, the same for an unknown name as for a wrong password; with HTTP 429 where too many wrong
    ones came from this address, and the password was not looked at.
    """
    known = {
        config.user: (config.password, False),
        config.readonly_user: (config.readonly_password, True),
    }
    expected, readonly = known.get(given.user, (None, True))
    if expected == "":
        return User(given.user, readonly)
    entry = door.enter(given.password or None, () if expected is None else (expected,), client, now)
    if entry.wait_s:
        raise ClickHouseError(
            AUTHENTICATION_FAILED,
            f"Too many wrong passwords came from {client}: try again in {entry.wait_s} s, with the right one",
            "AUTHENTICATION_FAILED",
            retry_after_s=entry.wait_s,
        )
    if not entry.accepted:
        raise ClickHouseError(
            AUTHENTICATION_FAILED,
            f"{given.user}: Authentication failed: password is incorrect, or there is no user with such name.",
            "AUTHENTICATION_FAILED",
        )
    return User(given.user, readonly)
