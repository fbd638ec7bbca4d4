"""Bounds of values that a stranger's file or a model's code made: how deep, and how many bytes."""

from collections.abc import Sequence
from typing import Any

import msgspec

from model_runner.errors import ModelError
from model_runner.schema.large_integers import packed_bytes

DEPTH = 32
"""Lists and objects within each other; no instance and no answer needs more, and recursion over them is bounded."""


def refuse_unwieldy(file: str, what: str, values: Sequence[Any], most_bytes: int, *, is_answer: bool = False) -> int:
    """How many bytes they have, packed.

    Args:
        is_answer: whether they may hold whole numbers of more than 64 bits: requests cannot.

    Raises:
        ModelError: they are too deep or too large, or cannot be handed on.
    """
    if depth_exceeds(values, DEPTH + 1):
        raise ModelError(file, f"{what} are nested more than {DEPTH} levels deep", "Make them flat")
    try:
        size = packed_bytes(values) if is_answer else len(msgspec.msgpack.encode(values))
    except OverflowError as error:
        most = "beyond 1.8e308" if is_answer else "of more than 64 bits"
        raise ModelError(file, f"{what} hold a whole number {most}", "Write it as text") from error
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
