"""Models that were exported for one batch size: any number of rows goes through them in pieces of that size."""

from collections.abc import Sequence
from typing import Any

from model_runner.model import Predict, Row


def in_pieces(predict: Predict, size: int | None) -> Predict:
    """The same function for any number of rows; the last piece is filled up with its last row.

    Args:
        predict: takes exactly `size` rows.
        size: None where it takes any number.
    """
    if size is None:
        return predict

    def pieces(rows: Sequence[Row]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(rows), size):
            piece = list(rows[start : start + size])
            found += predict(piece + piece[-1:] * (size - len(piece)))[: len(piece)]
        return found

    return pieces
