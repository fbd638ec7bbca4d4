"""Numbers of a request that are too large to be handed on: whose they are. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from model_runner.instances import Problem

_LEAST, _MOST = -(2**63), 2**64 - 1
"""Whole numbers of 64 bits, with a sign or without."""
UNKNOWN = Problem(
    row=0, field=None, expected=None, found="number", message="a whole number has more than 64 bits; send it as text"
)
"""Where it is nobody's value."""


def too_large(instances: Sequence[Any]) -> tuple[Problem, ...]:
    """The first field of each instance that holds a whole number of more than 64 bits, at any depth."""
    return tuple(_problem(row, name) for row, instance in enumerate(instances) for name in _named(instance))[:20]


def _named(instance: Any) -> Iterator[str]:
    if isinstance(instance, dict):
        yield from (str(name) for name, value in instance.items() if _holds_one(value))


def _holds_one(value: Any) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if type(each) is int and not _LEAST <= each <= _MOST:
            return True
        if isinstance(each, dict | list):
            waiting += each.values() if isinstance(each, dict) else each
    return False


def _problem(row: int, name: str) -> Problem:
    expected = "number of at most 64 bits"
    message = f"instances[{row}].{name}: a whole number of more than 64 bits; send it as a decimal number, or as text"
    return Problem(row=row, field=name, expected=expected, found="number", message=message)
