"""Who may ask, and whether only to read."""

import hmac
from dataclasses import dataclass

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.errors import AUTHENTICATION_FAILED, ClickHouseError
from storage.clickhouse_server.request import Credentials


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
    if expected is None or (expected and not hmac.compare_digest(expected.encode(), given.password.encode())):
        raise ClickHouseError(
            AUTHENTICATION_FAILED,
            f"{given.user}: Authentication failed: password is incorrect, or there is no user with such name.",
            "AUTHENTICATION_FAILED",
        )
    return User(given.user, readonly)
