"""What a benchmark found: figures, each measured one or several times, and what each is compared with."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of a table."""

    label: str
    values: tuple[float, ...]
    """One for each repetition, in the order in which they were measured."""
    unit: str
    against: str | None = None
    """The label of the figure, in the same table and unit, that this one is divided by."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Table:
    """Figures of one run, to be read side by side."""

    title: str
    how: str
    """What was done, and how each figure is computed."""
    figures: Sequence[Figure]
    notes: Sequence[str] = field(default_factory=tuple)
    """What else the run showed: counts that were checked, rates that were not reached."""

    def ratio(self, figure: Figure) -> float | None:
        """The figure's median by that of what it is compared with; None without one."""
        base = next((one for one in self.figures if one.label == figure.against and one.unit == figure.unit), None)
        return None if base is None or base is figure or not base.median else figure.median / base.median


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least the share `q` of the values does not exceed; nan without any."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else math.nan
