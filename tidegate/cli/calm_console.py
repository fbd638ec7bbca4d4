"""The console of the command line: what it writes of a model's words moves no cursor, and is no markup."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from model_runner.plain_text import printable


class CalmConsole(Console):
    """Everything that is shown passes `render`, whatever made it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(markup=False, emoji=False, **given)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = (printable(line, len(line)) for line in segment.text.split("\n"))
                yield Segment("\n".join(lines), segment.style)
