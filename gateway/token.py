"""The one token of an installation: git's password and the management API's bearer."""

import base64
import binascii
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

TOKEN_FILE = "token"  # noqa: S105 - the file's name


def load_or_create(home: Path) -> str:
    """The token of this home, made at the first start and readable by its owner alone.

    Raises:
        ValueError: the file is empty.
    """
    path = home / TOKEN_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _create(path)
    token = path.read_text("ascii").strip()
    if not token:
        raise ValueError(f"{path} is empty: remove it, and start again")
    return token


def matches(token: str, header: str | None) -> bool:
    """Whether an `Authorization` header carries the token, as a bearer or as the password of any user name."""
    if header is None:
        return False
    scheme, _, value = header.partition(" ")
    given = value.strip()
    if scheme.lower() == "basic":
        given = _password(given)
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())


def _password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _create(path: Path) -> None:
    """Whole or not at all: written beside it, then linked, so that of two who start at once one wins."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"tg_{secrets.token_urlsafe(32)}\n")
    with suppress(FileExistsError):
        os.link(part, path)
    part.unlink()
