"""Where a secret is shown: compared in constant time, guesses limited, and told of.

Who is asked to wait is told so, whatever the secret was: else a guess would be as good as before. But one that begins
as the right one does is counted apart, so that nobody behind the same address (a proxy's, the loopback) can keep out
who has it; and a bucket fills again, so that no one is kept out for ever. The beginning says nothing of the rest.
"""

import hmac
import logging
import math
from collections.abc import Iterable
from typing import NamedTuple

from web.tries import Tries, site_of

BEGINNING = 11
"""Letters that may be found out: `tg_` and 48 bits; of a short secret a third."""

log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """What became of one try."""

    accepted: bool
    wait_s: int = 0
    """Whole seconds that whoever tries has to wait, where it was not looked at."""


class FailedTries:
    """Tells the log: the first at once, then how many there were, with `every_s` seconds between."""

    def __init__(self, door: str, every_s: float = 60.0) -> None:
        self._door = door
        self._every_s = every_s
        self._told_at = -math.inf
        self._untold = 0

    def note(self, now: float, client: str) -> None:
        """One more, from this address, at `now` seconds of a monotonic clock."""
        self._untold += 1
        if now - self._told_at >= self._every_s:
            log.warning("%s: %d wrong tries since last told, now from %s", self._door, self._untold, client)
            self._told_at, self._untold = now, 0


class Door:
    """Of one secret, or of a few: of users, say."""

    def __init__(self, name: str, tries: Tries | None = None) -> None:
        self._tries = Tries() if tries is None else tries
        self._told = FailedTries(name)

    def enter(self, given: str | None, secrets: Iterable[str], client: str, now: float) -> Entry:
        """Whether one of the secrets was given. None is no try: nothing was guessed.

        Args:
            client: the address that it came from.
            now: seconds of a monotonic clock.
        """
        if given is None:
            return Entry(accepted=False)
        shown, known = _bytes(given), [_bytes(secret) for secret in secrets]
        key = site_of(client), sum(_begins(shown, secret) for secret in known) > 0
        wait = self._tries.wait_s(key, now)
        if wait > 0:
            self._told.note(now, client)
            return Entry(accepted=False, wait_s=math.ceil(wait))
        if sum(hmac.compare_digest(shown, secret) for secret in known):
            return Entry(accepted=True)
        self._tries.failed(key, now)
        self._told.note(now, client)
        return Entry(accepted=False)


def _begins(shown: bytes, secret: bytes) -> bool:
    length = min(BEGINNING, len(secret) // 3)
    return hmac.compare_digest(shown[:length], secret[:length]) if length else False


def _bytes(secret: str) -> bytes:
    # What came by a URL may hold bytes that are no text.
    return secret.encode("utf-8", "surrogateescape")
