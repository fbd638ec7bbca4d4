"""Answers of models as JSON, and rows in pieces."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model_runner.formats.answers import likeliest, per_row, squeezed, to_json
from model_runner.formats.fixed_batch import in_pieces
from model_runner.model import Row


def test_arrays_become_numbers_and_nan_becomes_null() -> None:
    assert to_json(np.array([1.5, np.nan, np.inf])) == [1.5, None, None]
    assert to_json(np.array([1.5, 2.5], dtype=np.float32)) == [1.5, 2.5]
    assert to_json(np.array(["a", None], dtype=object)) == ["a", None]
    assert to_json(np.array([1e308, 1e308])) == [1e308, 1e308]
    assert [type(value) for value in to_json([np.float64(1), np.str_("a"), np.int8(1)])] == [float, str, int]


def test_a_row_of_one_value_is_that_value() -> None:
    assert squeezed(np.array([[1.0], [2.0]])) == [1.0, 2.0]
    assert squeezed(np.array([[1.0, 2.0]])) == [[1.0, 2.0]]


def test_the_score_is_of_the_second_of_two_classes_and_of_the_likeliest_of_more() -> None:
    two = likeliest(["n", "y"], np.array([[0.9, 0.1], [0.2, 0.8]]))
    assert two == [{"class": "n", "score": 0.1}, {"class": "y", "score": 0.8}]
    assert likeliest("abc", np.array([[0.2, 0.5, 0.3]])) == [{"class": "b", "score": 0.5}]


def test_another_number_of_answers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 2\); its first size must be 2"):
        per_row(np.ones((3, 2)), 2)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 7])
def test_pieces_hide_that_a_model_takes_only_so_many_rows(rows: int) -> None:
    def predict(piece: Sequence[Row]) -> list[Any]:
        assert len(piece) == 3
        return [row["n"] * 2 for row in piece]

    assert in_pieces(predict, 3)([{"n": n} for n in range(rows)]) == [n * 2 for n in range(rows)]
