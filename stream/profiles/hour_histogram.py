"""The reference rows of one hour of the day, in the flat layout of their profile: sparse, and packed to stay small."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

HOURS = 24
SECONDS_AN_HOUR = 3600

Floats = NDArray[np.float64]


def hour_of(second: int) -> int:
    """Hour of the day (UTC, 0..23) of a time in seconds since the epoch.

    >>> hour_of(0), hour_of(86_399), hour_of(-1)
    (0, 23, 23)
    """
    return second // SECONDS_AN_HOUR % HOURS


class HourHistogram(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile keeps of one hour. The arrays are little-endian bytes, in JSON base64: a third of their text."""

    hour: int
    """Of the day, in UTC: 0..23."""
    rows: int
    """Rows of the reference in this hour of any day."""
    bins: bytes
    """Flat bins that are not empty, ascending (uint32)."""
    counts: bytes
    """Rows in each of `bins` (uint32)."""
    sums: bytes
    """Sum of the values in each of `bins` (float64); zeros where the series is categorical."""

    @classmethod
    def pack(cls, hour: int, rows: int, counts: NDArray[np.int64], sums: Floats) -> Self:
        """From flat arrays of shape (profile.size,)."""
        used = np.flatnonzero(counts)
        return cls(
            hour=hour,
            rows=rows,
            bins=used.astype("<u4").tobytes(),
            counts=counts[used].astype("<u4").tobytes(),
            sums=sums[used].astype("<f8").tobytes(),
        )


@dataclass(frozen=True, eq=False, slots=True)
class HourTable:
    """All hours of a profile, ready for mixing: `rows` of shape (24,), `counts` and `sums` of shape (24, size).

    An hour that the profile does not have is all zeros.
    """

    rows: Floats
    counts: Floats
    sums: Floats

    @classmethod
    def unpack(cls, hours: Iterable[HourHistogram], size: int) -> Self:
        """From the histograms of a profile of `size` flat bins."""
        table = cls(np.zeros(HOURS), np.zeros((HOURS, size)), np.zeros((HOURS, size)))
        for one in hours:
            used = np.frombuffer(one.bins, "<u4")
            table.rows[one.hour] = one.rows
            table.counts[one.hour, used] = np.frombuffer(one.counts, "<u4")
            table.sums[one.hour, used] = np.frombuffer(one.sums, "<f8")
        return table
