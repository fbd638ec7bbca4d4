"""Tables as Markdown, so that a run can be read in a terminal and pasted into the documentation; and as JSON values."""

import textwrap
from typing import Any

from benchmarks.report import Figure, Table

HEADINGS = ("figure", "median", "lowest to highest", "unit", "ratio")
RIGHT = (1, 2, 4)
"""Columns of numbers."""


def to_markdown(table: Table) -> str:
    """A heading, how it was measured, the figures, the notes."""
    rows = [_cells(table, figure) for figure in table.figures]
    widths = [max(len(row[i]) for row in (HEADINGS, *rows)) for i in range(len(HEADINGS))]
    rule = [("-" * (width - 1) + ":") if i in RIGHT else "-" * width for i, width in enumerate(widths)]
    lines = [_line(HEADINGS, widths), _line(tuple(rule), widths), *(_line(row, widths) for row in rows)]
    notes = "".join(f"- {note}\n" for note in table.notes)
    how = textwrap.fill(table.how, 120)
    return f"## {table.title}\n\n{how}\n\n" + "\n".join(lines) + "\n" + (f"\n{notes}" if notes else "")


def to_json(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "how": table.how,
        "figures": [
            {
                "label": figure.label,
                "unit": figure.unit,
                "median": figure.median,
                "values": list(figure.values),
                "compared_with": figure.against,
                "ratio": table.ratio(figure),
            }
            for figure in table.figures
        ],
        "notes": list(table.notes),
    }


def _cells(table: Table, figure: Figure) -> tuple[str, ...]:
    ratio = table.ratio(figure)
    compared = "" if ratio is None else f"{ratio:.2f} of {figure.against}"
    spread = "one run" if len(figure.values) == 1 else f"{number(min(figure.values))} to {number(max(figure.values))}"
    return (figure.label, number(figure.median), spread, figure.unit, compared)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (
        cell.rjust(width) if i in RIGHT else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join(padded)} |"


def number(value: float) -> str:
    """Three digits that matter, thousands apart."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
