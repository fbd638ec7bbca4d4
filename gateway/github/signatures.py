"""Whose secret signed a delivery; wrong signatures are slowed down, and told of."""

import hashlib
import hmac
import secrets
from math import ceil

import msgspec

from gateway.github.hook_connection import HookConnection, HookSource
from gateway.prometheus import FAILED_TRIES
from model_runner.decode_errors import UNREADABLE
from web.door import FailedTries
from web.tries import Tries, site_of

_NOBODYS_SECRET = secrets.token_hex(32)


class _Repository(msgspec.Struct):
    full_name: str


class _Named(msgspec.Struct):
    repository: _Repository


def is_signed(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether `X-Hub-Signature-256` is the HMAC of these raw bytes; compared in constant time."""
    wanted = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    return signature is not None and hmac.compare_digest(wanted.encode(), signature.encode())


class SignatureTries:
    """Wrong signatures are slowed down by address, and told of. A right one always passes: GitHub sends it only once,
    and comes from addresses that others may share."""

    def __init__(self) -> None:
        self._tries = Tries()
        self._told = FailedTries("github")

    def wrong(self, client: str, now: float) -> int:
        """One more; whole seconds that its sender should wait, 0 where it is one of the first."""
        key = site_of(client)
        wait = self._tries.wait_s(key, now)
        if not wait:
            self._tries.failed(key, now)
        self._told.note(now, client)
        FAILED_TRIES.labels("github", "limited" if wait else "refused").inc()
        return ceil(wait)


def connections_meant(source: HookSource, body: bytes, signature: str | None) -> list[HookConnection]:
    """Those whose secret made this signature; each is compared, and one more where there are none."""
    try:
        repository = msgspec.json.decode(body, type=_Named).repository.full_name
    except UNREADABLE:
        repository = ""
    known = source.of_repository(repository)
    signed = {secret: is_signed(secret, body, signature) for secret in {each.secret for each in known}}
    if not known:
        is_signed(_NOBODYS_SECRET, body, signature)
    return [each for each in known if signed[each.secret]]
