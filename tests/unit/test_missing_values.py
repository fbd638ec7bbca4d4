"""A null that a model can't take is the request's fault: named by row and field, and by nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest

from model_runner.model import Row
from model_runner.schema.dtypes import UnfitValueError
from model_runner.schema.schema import Feature, InputSchema, Kind
from model_runner.serving.missing_values import blaming_missing

SCHEMA = InputSchema(features=tuple(Feature(name=name, kind=Kind.NUMERIC) for name in ("a", "b", "c")), source="t")
ROWS: list[Row] = [{"a": 1, "b": 2, "c": 3}, {"a": None, "b": None, "c": 3}]


def needs(*names: str, limit: float = 10) -> Any:
    def predict(rows: Sequence[Row]) -> list[Any]:
        if any(row[name] is None or row[name] > limit for row in rows for name in names):
            raise ValueError("Input X contains NaN")
        return [0] * len(rows)

    return blaming_missing(predict, SCHEMA, {"a": 5, "b": None, "c": 3})


def test_the_field_is_named_whose_null_it_was() -> None:
    with pytest.raises(UnfitValueError) as raised:
        needs("b", "c")(ROWS)
    assert (raised.value.row, raised.value.field) == (1, "b")
    assert "null, on which the model fails (ValueError: Input X contains NaN)" in str(raised.value)


@pytest.mark.parametrize("rows", [[{"a": 99, "b": None, "c": 3}], [{"a": 99, "b": 1, "c": 3}]])
def test_a_model_that_fails_without_nulls_too_is_itself_to_blame(rows: list[Row]) -> None:
    with pytest.raises(ValueError, match=r"^Input X contains NaN$"):
        needs("a")(rows)


def test_a_model_that_takes_nulls_is_asked_once() -> None:
    assert needs("c")(ROWS) == [0, 0]
