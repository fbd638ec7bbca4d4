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
    rows = _csv_rows(text, name) if name.endswith(".csv") or not _looks_like_json(text) else _json_rows(text, name)
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
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise CliError(f"{name} cannot be read: {error}.", Exit.REFUSED) from error
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
            except (ValueError, RecursionError) as error:
                raise CliError(f"{name}, line {number} cannot be read: {error}.", Exit.REFUSED) from error
    return rows


def _csv_rows(text: str, name: str) -> list[Any]:
    """Cells that read as numbers are numbers; empty cells are missing values."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = []
    try:
        for row in reader:
            if None in row:
                problem = f"has {len(row[None])} more cells than the header"
                raise CliError(f"{name}, line {reader.line_num} {problem}.", Exit.REFUSED)
            rows.append({key: _cell(value) for key, value in row.items()})
    except csv.Error as error:
        raise CliError(f"{name}, line {reader.line_num} is no CSV: {error}.", Exit.REFUSED) from error
    return rows


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
