"""The rows of a model folder that were served, in the batches in which they were asked. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model_runner.folder.reference import Reference
from model_runner.folder.test_rows import TestRows


@dataclass(frozen=True)
class Block:
    """Rows that were asked together."""

    file: str
    rows: list[dict[str, Any]]
    served: Sequence[Any]
    first: int
    """Which row of the file is the first of these."""
    is_reference: bool

    @property
    def start(self) -> int | None:
        """Which row of the reference is the first; None where they are not of it."""
        return self.first if self.is_reference else None

    def some(self, most: int) -> "Block":
        return self.part(0, most)

    def part(self, first: int, after: int) -> "Block":
        rows, served = self.rows[first:after], self.served[first:after]
        return Block(self.file, rows, served, self.first + first, self.is_reference)

    def row(self, index: int) -> "Block":
        return self.part(index, index + 1)


@dataclass(frozen=True)
class Asked:
    """What was served."""

    test_file: str
    test: TestRows | None
    test_predictions: Sequence[Any]
    reference: Reference | None
    reference_predictions: Sequence[Any]

    def blocks(self, size: int) -> Iterator[Block]:
        """In the batches in which it was asked."""
        if self.test is not None and self.test.rows:
            yield Block(self.test_file, self.test.rows, self.test_predictions, 0, is_reference=False)
        if self.reference is not None:
            for number, rows in enumerate(self.reference.batches(size)):
                first = number * size
                served = self.reference_predictions[first : first + len(rows)]
                yield Block(self.reference.file, rows, served, first, is_reference=True)
