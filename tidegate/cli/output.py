"""What the command writes: tables for people, or one JSON document on stdout for scripts."""

import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 200


def console() -> "Console":
    from tidegate.cli.calm_console import CalmConsole  # noqa: PLC0415  `--help` need not wait for it

    # A file or a pipe has no width of its own: tables are not to be folded for one.
    return CalmConsole() if sys.stdout.isatty() else CalmConsole(width=PIPE_WIDTH)


def print_json(value: Any) -> None:
    """The only thing on stdout when `--json` was given."""
    text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    # JSON escapes the oldest control characters only. The others stand in strings too, and may be escaped.
    sys.stdout.write("".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text))
    sys.stdout.write("\n")


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def rows_left_out() -> dict[str, str]:
    """Takes what a list leaves out, for `tell_unreadable`, which says it once: nothing else is to log it here."""
    logging.getLogger("storage.registry").addHandler(logging.NullHandler())
    return {}


def print_list(name: str, values: Sequence[Any], unreadable: Mapping[str, str]) -> None:
    """A list as the management API gives it: also what it leaves out, and why."""
    print_json({name: list(values), "unreadable": list(unreadable.values())})


def tell_unreadable(reasons: Mapping[str, str], fix: str) -> None:
    """What a list leaves out, and what to do, on stderr: stdout may be read by a script."""
    for reason in reasons.values():
        print(f"Left out: {reason}. {fix}", file=sys.stderr)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Columns whose name starts with `#` are numbers, set to the right."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name.removeprefix("#"), justify="right" if name.startswith("#") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console().print(table)
