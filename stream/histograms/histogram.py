"""Counts and sums of all series of one profile over any set of events: the state that drift is computed from.

Histograms of the same profile add up: the histogram of two sets of events together is the sum of
theirs, so panes merge into windows and partitions into one, in any order. Counts are exact; sums are
exact up to the rounding of float addition.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(eq=False, slots=True)
class Histogram:
    """Mutable, so that a pane can be counted into; `+` makes a new one.

    `counts` (int64) and `sums` (float64) have shape (profile.size,), see `Profile.offsets`. `invalid`
    (int64), shape (series,), says how many values per series had a wrong type; these also count as
    missing. `rows` is the number of events.
    """

    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    invalid: NDArray[np.int64]
    rows: int = 0

    @classmethod
    def empty(cls, size: int, series: int) -> Self:
        """A histogram of no events: `size` flat bins of `series` series."""
        return cls(np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.float64), np.zeros(series, dtype=np.int64))

    def add(self, other: "Histogram") -> None:
        """Count `other`'s events into this one. Raises ValueError when the profiles' sizes differ."""
        if len(self.counts) != len(other.counts):
            raise ValueError(
                f"a histogram of {len(other.counts)} bins does not fit one of {len(self.counts)}: "
                "add up histograms of one profile only"
            )
        self.counts += other.counts
        self.sums += other.sums
        self.invalid += other.invalid
        self.rows += other.rows

    def copy(self) -> "Histogram":
        """An equal histogram that shares no memory with this one."""
        return Histogram(self.counts.copy(), self.sums.copy(), self.invalid.copy(), self.rows)

    def __add__(self, other: "Histogram") -> "Histogram":
        merged = self.copy()
        merged.add(other)
        return merged

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Histogram)
            and self.rows == other.rows
            and np.array_equal(self.counts, other.counts)
            and np.array_equal(self.sums, other.sums)
            and np.array_equal(self.invalid, other.invalid)
        )

    __hash__ = None  # type: ignore[assignment]
