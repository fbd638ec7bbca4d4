"""Shows a run: a live picture on a terminal, now and then a line elsewhere."""

import io
import time
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live

from tidegate.demo.run_state import RunState
from tidegate.demo.view import frame, line

LINE_EVERY_S = 5.0
RECORD_COLUMNS = 112


class Screen:
    """A context manager around the run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._started = time.monotonic()
        self._next_line = 0.0

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, state: RunState, *, last: bool = False) -> None:
        """Show it now; a line is written only every LINE_EVERY_S seconds, and the `last` time."""
        now = time.monotonic()
        if self._live is not None:
            self._live.update(frame(state, now), refresh=True)
        elif last or now >= self._next_line:
            self._next_line = now + LINE_EVERY_S
            text = f"{now - self._started:5.1f} s  {line(state, now)}"
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def record(state: RunState, path: Path) -> None:
    """Write the view as it is now to an SVG file."""
    console = Console(
        record=True, file=io.StringIO(), width=RECORD_COLUMNS, force_terminal=True, color_system="truecolor"
    )
    console.print(frame(state, time.monotonic()))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(console.export_svg(title="make demo", unique_id="tidegate-demo"), encoding="utf-8")
