"""Whole numbers of more than 64 bits in an answer: JSON has them exactly, msgpack has no form for them. Pure."""

from typing import Any

import msgspec
from msgspec.msgpack import Ext

MOST_BYTES = 128
"""About 1.8e308, as far as floats go: readers of JSON take what is beyond for infinite."""
_CODE = 1
_LEAST, _MOST = -(2**63), 2**64 - 1


def packable(value: Any) -> Any:
    """An answer with all such numbers as extensions of msgpack; what is within 64 bits stays.

    Raises:
        OverflowError: one is beyond what floats reach.
    """
    if isinstance(value, int):
        return value if _LEAST <= value <= _MOST else _extension(value)
    if isinstance(value, dict):
        return {key: packable(item) for key, item in value.items()}
    return [packable(item) for item in value] if isinstance(value, list | tuple) else value


def restored(code: int, data: memoryview) -> Any:
    """The number that such an extension is; any other extension stays one."""
    if code == _CODE and len(data) <= MOST_BYTES:
        return int.from_bytes(data, "big", signed=True)
    return Ext(code, bytes(data))


def packed_bytes(values: Any) -> int:
    """How many an answer has, packed. Raises OverflowError as `packable` does."""
    try:
        return len(msgspec.msgpack.encode(values))
    except OverflowError:
        return len(msgspec.msgpack.encode(packable(values)))


def _extension(value: int) -> Ext:
    try:
        return Ext(_CODE, value.to_bytes(MOST_BYTES, "big", signed=True))
    except OverflowError:
        raise OverflowError("a whole number is beyond 1.8e308: answer with it as text") from None
