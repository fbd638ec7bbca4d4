"""What the demo sends, and in which order. Pure."""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

Row = dict[str, float]
SINGLE_SHARE = 0.8
"""Share of requests that carry one bare object; the others carry a few `instances`."""
BATCH_ROWS = (2, 12)
"""Fewest and most instances of such a request."""


class Stream(StrEnum):
    """The two kinds of rows."""

    QUIET = "held-out rows"
    CHANGED = "after the change"


@dataclass(frozen=True, slots=True)
class Parcel:
    """The rows of one request."""

    stream: Stream
    rows: tuple[Row, ...]
    first_row: int
    """How many rows were sent before it: from that and the rate follows when it is due."""

    @property
    def body(self) -> Row | dict[str, list[Row]]:
        """One bare object, or `instances`."""
        return self.rows[0] if len(self.rows) == 1 else {"instances": list(self.rows)}


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file of numbers with a header line."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def schedule(quiet: Sequence[Row], changed: Sequence[Row], seed: int) -> list[Parcel]:
    """All rows in their order, quiet ones first, cut into requests; no request has rows of both."""
    sizes = random.Random(seed)
    parcels: list[Parcel] = []
    sent = 0
    for stream, rows in ((Stream.QUIET, quiet), (Stream.CHANGED, changed)):
        for part in _cut(rows, sizes):
            parcels.append(Parcel(stream, part, sent))
            sent += len(part)
    return parcels


def _cut(rows: Sequence[Row], sizes: random.Random) -> Iterator[tuple[Row, ...]]:
    start = 0
    while start < len(rows):
        size = 1 if sizes.random() < SINGLE_SHARE else sizes.randint(*BATCH_ROWS)
        yield tuple(rows[start : start + size])
        start += size
