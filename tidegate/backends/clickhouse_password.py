"""The passwords of the embedded ClickHouse: one file of the home, from which that of each user follows."""

import hmac
from base64 import urlsafe_b64encode

from pydantic import SecretStr

from gateway.edge.token import load_or_make
from tidegate.settings import Settings

_READONLY_PREFIX = "tgr_"


def with_clickhouse_password(settings: Settings) -> Settings:
    """The settings with the password of the embedded ClickHouse in them, made at the first start.

    Raises:
        TokenError: its file cannot be read, is empty, or belongs to somebody else.
    """
    if settings.clickhouse_url is not None or settings.clickhouse_password is not None:
        return settings
    made = load_or_make(settings.clickhouse_password_path).reveal()
    return settings.model_copy(update={"clickhouse_password": SecretStr(made)})


def readonly_password(password: str) -> str:
    """Of the user `readonly`: it follows from that of `default`, which does not follow from it."""
    digest = hmac.digest(password.encode(), b"tidegate clickhouse readonly", "sha256")
    return _READONLY_PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")
