"""The rows that `tidegate predict` sends: of JSON (an object, a list, {"instances": [...]}), NDJSON, Parquet or CSV."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from model_runner.names import nearest
from tidegate.cli.exits import CliError, Exit

Types = Mapping[str, Sequence[str]]
"""JSON Schema's types of each feature."""
_NAMED = 10


@dataclass(frozen=True)
class Wanted:
    """What a model asks for."""

    types: Types | None = None
    """None where it has no schema."""
    required: Sequence[str] = ()

    def left_out(self, columns: Sequence[str], file: str) -> list[str]:
        """Columns that are no features of the model.

        Raises:
            CliError: one stands twice, or a feature that the model requires is not among them.
        """
        twice = next((name for at, name in enumerate(columns) if name in columns[:at]), None)
        if len(set(columns)) < len(columns) and twice is not None:
            raise CliError(f"{file} has the column {twice!r} twice: which is meant? Rename one.", Exit.REFUSED)
        if self.types is None:
            return []
        lacking = [name for name in self.required if name not in set(columns)]
        others = [name for name in columns if name not in self.types]
        if lacking:
            meant = nearest(lacking[0], others, most=1)
            hint = f" Is it {meant[0]!r}?" if meant else ""
            raise CliError(f"{file} lacks what the model asks for: {listed(lacking)}.{hint}", Exit.REFUSED)
        return others


class Row(NamedTuple):
    """One instance, and where it is from."""

    place: str
    """`line 7`, or `row 7`."""
    instance: Any
    beside: Mapping[str, Any]
    """Columns of the file that are not sent."""


@dataclass(frozen=True)
class Rows:
    """All of a file."""

    count: int
    read: Callable[[], Iterator[Row]]
    """From the first one, each time."""
    columns: Sequence[str]
    """Of the file, in its order; of the first instance where it is no table."""
    notes: Sequence[str] = ()
    """What it was read as, and what is not sent."""


def read_rows(raw: bytes, name: str, wanted: Wanted) -> Rows:
    """The rows of a file.

    Args:
        raw: its bytes.
        name: its name; `.csv` and `.parquet` are read as what they say, anything else by what it looks like.
        wanted: by which the cells of a table are read.

    Raises:
        CliError: it holds none, or cannot be read.
    """
    if name.endswith(".parquet") or raw.startswith(b"PAR1"):
        from tidegate.cli.rows.parquet_rows import parquet_rows  # noqa: PLC0415 - Arrow takes its time

        rows = parquet_rows(raw, name, wanted)
    elif not name.endswith((".csv", ".csv.gz", ".tsv")) and _looks_like_json(raw):
        rows = _json_rows(raw, name)
    else:
        from tidegate.cli.rows.csv_rows import csv_rows  # noqa: PLC0415 - it reads rows by this module's types

        rows = csv_rows(raw, name, wanted)
    if not rows.count:
        raise CliError(f"{name} holds no rows.", Exit.REFUSED)
    return rows


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _looks_like_json(raw: bytes) -> bool:
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _json_rows(raw: bytes, name: str) -> Rows:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CliError(f"{name} cannot be read: {error}", Exit.USAGE) from error
    try:
        value = _parsed(text)
    except json.JSONDecodeError:
        value = _lines(text, name)
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise CliError(f"{name} cannot be read: {error}.", Exit.REFUSED) from error
    if isinstance(value, dict) and isinstance(value.get("instances"), list):
        value = value["instances"]
    found = value if isinstance(value, list) else [value]
    columns = list(found[0]) if found and isinstance(found[0], dict) else []

    def read() -> Iterator[Row]:
        for number, instance in enumerate(found, start=1):
            yield Row(f"row {number:,}", instance, {})

    return Rows(len(found), read, columns)


def _lines(text: str, name: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(_parsed(line))
            except json.JSONDecodeError as error:
                raise CliError(f"{name}, line {number}: {error.msg} at column {error.colno}.", Exit.REFUSED) from error
            except (ValueError, RecursionError) as error:
                raise CliError(f"{name}, line {number} cannot be read: {error}.", Exit.REFUSED) from error
    return rows


def _parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def _constant(text: str) -> None:
    """NaN is how Python's own JSON writes a missing value."""
    if text != "NaN":
        raise ValueError(f"{text} is no number that JSON has")


def _float(text: str) -> float:
    value = float(text)
    if abs(value) == float("inf"):
        raise ValueError(f"{text[:40]} is beyond what a number can be")
    return value
