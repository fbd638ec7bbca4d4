"""The one token of a Tidegate: bearer of the management API and password of git, made at the first start."""

import base64
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from model_runner.disk.durable import make_file, make_folder

FILE_MODE = 0o600
PREFIX = "tg_"
"""So that a scanner, or a person, who finds one knows what it is."""
CHALLENGE = 'Bearer realm="tidegate"'
"""The header `WWW-Authenticate` of a 401 of the management API."""


class TokenError(Exception):
    """The token's file cannot be used; the message says what to do."""


class Token:
    """Never shows itself by accident."""

    def __init__(self, value: str) -> None:
        self._value = value

    def expected(self) -> tuple[str]:
        """For a door, which compares in constant time and limits guesses."""
        return (self._value,)

    def reveal(self) -> str:
        """For `tidegate up` and for clients of this machine's own owner."""
        return self._value

    def __repr__(self) -> str:
        return "Token(…)"


def load_or_make(path: Path) -> Token:
    """The token in this file; a new one where there is no file. Two who make it at once get the same one.

    Raises:
        TokenError: the file cannot be read, is empty, or belongs to somebody else.
    """
    with suppress(FileNotFoundError):
        return _read(path)
    make_folder(path.parent, 0o700)
    make_file(path, f"{PREFIX}{secrets.token_urlsafe(32)}\n".encode(), FILE_MODE)
    return _read(path)


def bearer_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What `Authorization: Bearer …` gives; header names are in lower case, as in ASGI."""
    scheme, _, value = _authorization(headers).partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def password_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The password of `Authorization: Basic …`, whatever the user's name is."""
    scheme, _, value = _authorization(headers).partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        _, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:  # binascii's own, UTF-8's, and that of letters beyond ASCII
        return None
    return password if colon else None


def _authorization(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == b"authorization"), "")


def _read(path: Path) -> Token:
    try:
        found = path.stat()
        if found.st_uid != os.getuid():
            raise TokenError(f"{path} belongs to another user: remove it, and a new one is made at the next start")
        if found.st_mode & 0o077:
            path.chmod(FILE_MODE)
        value = path.read_text("ascii").strip()
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(
            f"{path} cannot be read ({error}): remove it, and a new one is made at the next start"
        ) from error
    if not value or not value.isprintable():
        # Zeros are what a power loss leaves: a token of them anybody could guess.
        raise TokenError(f"{path} is empty or damaged: remove it, and a new one is made at the next start")
    return Token(value)
