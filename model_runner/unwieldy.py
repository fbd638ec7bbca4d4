"""Bounds of values that a stranger's file or a model's code made: how deep, and how many bytes."""

from collections.abc import Sequence
from typing import Any

import msgspec

from model_runner.errors import ModelError

DEPTH = 32
"""Lists and objects within each other; no instance and no answer needs more, and recursion over them is bounded."""


def refuse_unwieldy(file: str, what: str, values: Sequence[Any], most_bytes: int) -> int:
    """How many bytes they have, packed.

    Raises:
        ModelError: they are too deep or too large, or cannot be handed on.
    """
    if depth_exceeds(values, DEPTH + 1):
        raise ModelError(file, f"{what} are nested more than {DEPTH} levels deep", "Make them flat")
    try:
        size = len(msgspec.msgpack.encode(values))
    except OverflowError as error:
        raise ModelError(file, f"{what} hold a whole number of more than 64 bits", "Write it as text") from error
    if size > most_bytes:
        raise ModelError(file, f"{what} have more than {most_bytes:,} bytes", "Take fewer, or smaller ones")
    return size


def depth_exceeds(value: Any, most: int) -> bool:
    """Without recursion."""
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, dict | list | tuple):
            if depth >= most:
                return True
            inner = found.values() if isinstance(found, dict) else found
            waiting += [(each, depth + 1) for each in inner if isinstance(each, dict | list | tuple)]
    return False
