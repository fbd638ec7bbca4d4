"""Numbers of a request that are too large to be handed on: whose they are. Pure."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from model_runner.schema.instances import MAX_PROBLEMS, Problem

_LEAST, _MOST = -(2**63), 2**64 - 1
"""Whole numbers of 64 bits, with a sign or without."""
UNKNOWN = Problem(
    row=0, field=None, expected=None, found="number", message="a whole number has more than 64 bits; send it as text"
)
"""Where it is nobody's value."""


_FLOATS_REACH = 2**1024
"""What is beyond is no number of a float either."""


def too_large(instances: Sequence[Any], *, text_fits: bool = True) -> tuple[Problem, ...]:
    """Each field that holds a whole number of more than 64 bits, at any depth.

    Args:
        text_fits: whether the model may take text for it: nothing says that it takes numbers.
    """
    found = ((row, *each) for row, instance in enumerate(instances) for each in _named(instance))
    return tuple(_problem(*each, text_fits=text_fits) for each in islice(found, MAX_PROBLEMS))


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


def _problem(row: int, name: str, value: int, *, text_fits: bool) -> Problem:
    fix = "it as a decimal number" if abs(value) < _FLOATS_REACH else "null for a missing value"
    message = f"instances[{row}].{name}: a whole number of more than 64 bits; send {fix}{', or text' * text_fits}"
    return Problem(row=row, field=name, expected="number of at most 64 bits", found="number", message=message)
