"""The live list of parts that `tidegate up` and `tidegate down` show."""

import time

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tidegate.cli.output import console
from tidegate.parts.state import Condition, PartState, StackState

MARKS = {
    Condition.READY: ("✓", "green"),
    Condition.DONE: ("✓", "green"),
    Condition.WAITING: ("·", "dim"),
    Condition.BACKOFF: ("↻", "yellow"),
    Condition.FAILING: ("✗", "red"),
    Condition.FAILED: ("✗", "red"),
    Condition.STOPPED: ("■", "dim"),
}
"""Others are under way and get a spinner."""
OF_A_START = {Condition.READY, Condition.DONE}
"""No news while a stack stops."""


class Checklist:
    """A context manager; without a terminal it writes a line for each part that settles.

    Args:
        begun: how the parts were when a stop began, which everybody knows already; None for a start.
    """

    def __init__(self, *, enabled: bool, begun: StackState | None = None) -> None:
        self._enabled = enabled
        self._console = console()
        self._live: Live | None = None
        self._untold = {Condition.WAITING} | (OF_A_START if begun else set())
        self._said = {(part.name, part.condition) for part in (begun.parts if begun else ())}
        self._started = time.time()

    def __enter__(self) -> "Checklist":
        if self._enabled and self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=12)
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, state: StackState) -> None:
        if self._live is not None:
            self._live.update(Group(*(self._row(part) for part in state.parts)))
        elif self._enabled:
            self._say(state)

    def _row(self, part: PartState) -> Table:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=2)
        row.add_column(width=22)
        row.add_column(width=10)
        row.add_column()
        mark = MARKS.get(part.condition)
        shown = Text(mark[0], style=mark[1]) if mark else Spinner("dots")
        row.add_row(shown, part.name, Text(part.condition, style="dim"), Text(part.detail.split("\n")[0], style="dim"))
        return row

    def _say(self, state: StackState) -> None:
        for part in state.parts:
            key = (part.name, part.condition)
            if part.condition in MARKS.keys() - self._untold and key not in self._said:
                self._said.add(key)
                after = part.since - self._started
                text = f"{max(after, 0):5.1f} s  {part.name} {part.condition} {part.detail}"
                self._console.print(text.rstrip(), highlight=False)
