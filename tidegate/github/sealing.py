"""Secrets of connections, encrypted before they go into the registry: a copy of it gives none of them away."""

import base64
import hashlib
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from gateway.edge.token import load_or_make

_PURPOSE = b"tidegate github connections "


class SealedError(Exception):
    """What was sealed with another key; the message says what to do."""


class Sealer:
    """AES-128-CBC with HMAC-SHA256 (Fernet), by a key of its own derived from the file's content."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(_PURPOSE + key.encode()).digest()))

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises SealedError."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            fix = "put the file `github-key` of that home back, or connect the repository again"
            raise SealedError(f"its secrets were sealed with another key: {fix}") from None


def sealer_of(home: Path) -> Sealer:
    """The key lies in `<home>/github-key` (mode 0600), made when it is needed. Raises gateway.edge.token.TokenError."""
    return Sealer(load_or_make(home / "github-key").reveal())
