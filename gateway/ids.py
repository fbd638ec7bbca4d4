"""Identifiers: UUIDv7 (RFC 9562, section 5.7) for events and requests."""

import os
import re
import time
from collections.abc import Callable

_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_RANDOM_BYTES = 10


def uuid7s(count: int, now_ms: int, random_bytes: Callable[[int], bytes] = os.urandom) -> list[str]:
    """Many UUIDv7 of one moment.

    Args:
        count: how many.
        now_ms: milliseconds since 1970, UTC.
        random_bytes: source of randomness; one call for all.
    """
    stamp = f"{now_ms & 0xFFFFFFFFFFFF:012x}"
    prefix = f"{stamp[:8]}-{stamp[8:]}-7"
    random = random_bytes(_RANDOM_BYTES * count).hex()
    found = []
    for start in range(0, 2 * _RANDOM_BYTES * count, 2 * _RANDOM_BYTES):
        # 12 random bits after the version, 2 bits of variant, 62 more random bits.
        r = random[start : start + 2 * _RANDOM_BYTES]
        found.append(f"{prefix}{r[:3]}-{'89ab'[int(r[3], 16) & 3]}{r[4:7]}-{r[7:19]}")
    return found


def uuid7() -> str:
    """One of now."""
    return uuid7s(1, int(time.time() * 1000))[0]


def request_id_of(header: bytes | None) -> str | None:
    """The caller's own id, where it can go into a header, a log and a query without harm."""
    if header is None:
        return None
    text = header.decode("latin-1")
    return text if _SANE.fullmatch(text) else None
