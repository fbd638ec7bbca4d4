"""Guesses at a secret, counted by who makes them: some at once, then one every few seconds. Pure.

Not by the library `limits`: its store in memory keeps every address that ever came, starts a thread for each count, and
goes by the wall clock, which somebody may set back.
"""

from collections import OrderedDict
from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address

AT_ONCE = 10
"""Wrong tries that are answered before any has to wait."""
EACH_S = 5.0
"""After so long one more is: 17,280 a day."""
KNOWN = 4096
"""Who is remembered; beyond that, whoever failed longest ago is forgotten."""
_SITE = 64
"""Bits of an IPv6 address that its holder did not choose."""


class Tries:
    """A bucket of tries for each key; it fills again by itself, and only failures take from it."""

    def __init__(self, at_once: int = AT_ONCE, each_s: float = EACH_S, known: int = KNOWN) -> None:
        self._at_once = at_once
        self._each_s = each_s
        self._known = known
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        """When the bucket will be full again; whoever is not in it has a full one."""

    def __len__(self) -> int:
        return len(self._full_at)

    def wait_s(self, key: Hashable, now: float) -> float:
        """Seconds until the next try is looked at; 0 where it is at once.

        Args:
            now: seconds of a monotonic clock.
        """
        spent = (self._full_at.get(key, now) - now) / self._each_s
        return max(0.0, (spent - self._at_once + 1) * self._each_s)

    def failed(self, key: Hashable, now: float) -> None:
        """One more, that was looked at."""
        self._full_at[key] = max(now, self._full_at.pop(key, now)) + self._each_s
        while len(self._full_at) > self._known:
            self._full_at.popitem(last=False)


def site_of(address: str) -> str:
    """Who an address stands for: itself, or the /64 that one holder of IPv6 addresses has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> (128 - _SITE) << (128 - _SITE)))
