"""Cells of a CSV file as the values that a model's schema asks for; by their looks only where it does not say. Pure."""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from tidegate.cli.exits import CliError, Exit

MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NULL", "null", "None"}
    | {"NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"}
)
"""Where a number or a truth stands these are missing values, as to pandas. Among text only the empty cell is."""
_TRUE, _FALSE = frozenset({"true", "True", "TRUE", "1", "1.0"}), frozenset({"false", "False", "FALSE", "0", "0.0"})
_WRITTEN_TRUTH = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_PLAIN = re.compile(r"-?(?:(?:0|[1-9][0-9]*)?\.[0-9]*|[0-9](?:\.[0-9]*)?[eE][-+][0-9]+)")
"""Numbers as programs write them. `0042`, `+49` and `12E4` are labels."""
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_MOST_DIGITS = 1000
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3},[0-9]{3}")


class Read(Enum):
    """How a column's cells are read."""

    NUMBER = "a number"
    TRUTH = "true or false"
    TEXT = "text"
    WHOLE_OR_TEXT = "whole numbers, or text"
    """A category of any kind: numbers only where all of them are whole."""
    BY_LOOKS = "whatever they look like"
    """Of a model without a schema."""


def read_as(types: Sequence[str] | None) -> Read:
    """By JSON Schema's types of the feature; None where there is no schema."""
    if types is None:
        return Read.BY_LOOKS
    wanted = set(types) - {"null"}
    one = {"number": Read.NUMBER, "integer": Read.NUMBER, "boolean": Read.TRUTH, "string": Read.TEXT}
    return one[next(iter(wanted))] if len(wanted) == 1 and wanted <= one.keys() else Read.WHOLE_OR_TEXT


class Looks:
    """What the cells of a column look like, where the schema leaves that open: one thing as a whole, or text."""

    def __init__(self, read: Read) -> None:
        self._any = read is Read.BY_LOOKS
        self._found = False
        self._whole = self._plain = self._truth = True

    @property
    def is_text(self) -> bool:
        """Whether no further cell changes anything."""
        return not (self._whole or self._plain or self._truth)

    def add(self, cell: str) -> None:
        cell = cell.strip()
        if cell in MISSING:
            return
        self._found = True
        is_whole = _WHOLE.fullmatch(cell) is not None
        self._whole = self._whole and is_whole
        self._plain = self._any and self._plain and (is_whole or _PLAIN.fullmatch(cell) is not None)
        self._truth = self._any and self._truth and cell in _WRITTEN_TRUTH

    def read(self) -> Read:
        if self._found and (self._whole or self._plain):
            return Read.NUMBER
        return Read.TRUTH if self._found and self._truth else Read.TEXT


class Commas:
    """Whether a file's numbers are certainly written 1,5: one cannot be a thousand and more, none is written 1.5."""

    def __init__(self) -> None:
        self._seen = self._points = False

    def add(self, cell: str) -> None:
        cell = cell.strip()
        self._points = self._points or "." in cell
        self._seen = self._seen or (_COMMA.fullmatch(cell) is not None and _THOUSANDS.fullmatch(cell) is None)

    @property
    def certain(self) -> bool:
        return self._seen and not self._points


def converter(read: Read, decimal: str) -> Callable[[str], Any]:
    """From a cell to its value. It raises ValueError where the cell is nothing of the kind."""
    if read is Read.NUMBER:
        return _number if decimal == "." else lambda cell: _number(cell.replace(decimal, ".", 1))
    return _truth if read is Read.TRUTH else _text


def _number(cell: str) -> float | int | None:
    cell = cell.strip()
    if cell in MISSING:
        return None
    if _NUMBER.fullmatch(cell) is None:
        raise ValueError(f"{_shown(cell)} is no number")
    if cell.lstrip("+-").isdigit() and len(cell) < _MOST_DIGITS:
        return int(cell)
    value = float(cell)
    if abs(value) == float("inf"):
        raise ValueError(f"{_shown(cell)} is beyond what a number can be")
    return value


def _truth(cell: str) -> bool | None:
    cell = cell.strip()
    if cell in MISSING:
        return None
    if cell not in _TRUE and cell not in _FALSE:
        raise ValueError(f"{_shown(cell)} is neither true nor false")
    return cell in _TRUE


def _text(cell: str) -> str | None:
    return cell if cell.strip() else None


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 60 else f"{cell[:60]}…")


def wrong_cell(file: str, line: int, column: str, error: ValueError) -> CliError:
    return CliError(f"{file}, line {line}, column {column}: {error}.", Exit.REFUSED)
