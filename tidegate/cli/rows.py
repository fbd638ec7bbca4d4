"""Reads the rows of `tidegate predict`: JSON (an object, a list, {"instances": [...]}), NDJSON, CSV with a header."""

import csv
import io
import json
from typing import Any

from tidegate.cli.exits import CliError, Exit


def parse_rows(text: str, name: str) -> list[Any]:
    """The instances in a file's text.

    Args:
        name: the file's; `.csv` is read as CSV, anything else by what it looks like.

    Raises:
        CliError: it holds none, or cannot be read.
    """
    rows = _csv_rows(text) if name.endswith(".csv") or not _looks_like_json(text) else _json_rows(text, name)
    if not rows:
        raise CliError(f"{name} holds no rows.", Exit.REFUSED)
    return rows


def _looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _json_rows(text: str, name: str) -> list[Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return _lines(text, name)
    if isinstance(value, dict) and isinstance(value.get("instances"), list):
        return list(value["instances"])
    return list(value) if isinstance(value, list) else [value]


def _lines(text: str, name: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise CliError(f"{name}, line {number}: {error.msg} at column {error.colno}.", Exit.REFUSED) from error
    return rows


def _csv_rows(text: str) -> list[Any]:
    """Cells that read as numbers are numbers; empty cells are missing values."""
    return [{key: _cell(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))]


def _cell(value: str | None) -> float | int | str | None:
    if value is None or not value.strip():
        return None
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        # JSON has no infinity; such a cell stays what it says.
        return number if abs(number) < float("inf") else value
    return value
