"""How a profile travels in a record. Whoever only sends one need not load the arrays that it is read into."""

import base64
from typing import Any

import msgspec
import zstandard

PLAIN_BYTES = 1_000_000
"""A profile of more JSON than this travels compressed, as text."""
COMPRESSED = "zstd:"


def pack_profile(content: Any) -> Any:
    """A profile (a JSON object) as a record carries it: as it is, or compressed where it is large."""
    raw = msgspec.json.encode(content)
    if len(raw) <= PLAIN_BYTES:
        return content
    return COMPRESSED + base64.b64encode(zstandard.ZstdCompressor(level=3).compress(raw)).decode()
