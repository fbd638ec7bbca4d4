"""Numbers of a request that are too large to be handed on: whose they are. Pure."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from model_runner.instances import MAX_PROBLEMS, Problem

_LEAST, _MOST = -(2**63), 2**64 - 1
"""Whole numbers of 64 bits, with a sign or without."""
UNKNOWN = Problem(
    row=0, field=None, expected=None, found="number", message="a whole number has more than 64 bits; send it as text"
)
"""Where it is nobody's value."""


_FLOATS_REACH = 2**1024
"""What is beyond is no number of a float either."""


def too_large(instances: Sequence[Any]) -> tuple[Problem, ...]:
    """Each field that holds a whole number of more than 64 bits, at any depth."""
    found = ((row, *each) for row, instance in enumerate(instances) for each in _named(instance))
    return tuple(_problem(*each) for each in islice(found, MAX_PROBLEMS))


def _named(instance: Any) -> Iterator[tuple[str, int]]:
    """Fields, each with the first such number that it holds."""
    if isinstance(instance, dict):
        held = ((str(name), _held(value)) for name, value in instance.items())
        yield from ((name, value) for name, value in held if value is not None)


def _held(value: Any) -> int | None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if type(each) is int and not _LEAST <= each <= _MOST:
            return each
        if isinstance(each, dict | list):
            waiting += each.values() if isinstance(each, dict) else each
    return None


def _problem(row: int, name: str, value: int) -> Problem:
    expected = "number of at most 64 bits"
    fix = "it as a decimal number, or as text" if abs(value) < _FLOATS_REACH else "null for a missing value, or text"
    message = f"instances[{row}].{name}: a whole number of more than 64 bits; send {fix}"
    return Problem(row=row, field=name, expected=expected, found="number", message=message)
