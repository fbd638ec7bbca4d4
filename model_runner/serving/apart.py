"""Rows that cannot stand in one frame without changing each other's types are predicted apart.

A null among whole numbers makes floats of the whole column in pandas, and `3` becomes `3.0`: another label to a model.
Rows of several callers are predicted together, and none of them may change what another is answered.
"""

from collections.abc import Sequence
from typing import Any

from model_runner.formats.values import can_be_irregular, sort_of
from model_runner.model import Predict, Row
from model_runner.schema.dtypes import MixedRowsError, UnfitValueError
from model_runner.schema.schema import InputSchema


def apart(predict: Predict, schema: InputSchema | None) -> Predict:
    """The same predictions, in the order of the rows; rows whose values are of other types go by themselves."""
    if schema is None:
        return predict
    features = [feature for feature in schema.features if can_be_irregular(feature)]

    def signature(row: Row) -> tuple[int, ...]:
        return tuple(sort_of(feature, row.get(feature.name)) for feature in features)

    def predicted(rows: Sequence[Row]) -> list[Any]:
        try:
            return predict(rows)
        except MixedRowsError:
            groups: dict[tuple[int, ...], list[int]] = {}
            for number, row in enumerate(rows):
                groups.setdefault(signature(row), []).append(number)
        found: list[Any] = [None] * len(rows)
        for numbers in groups.values():
            for number, answer in zip(numbers, _predict(predict, rows, numbers), strict=True):
                found[number] = answer
        return found

    return predicted


def _predict(predict: Predict, rows: Sequence[Row], numbers: Sequence[int]) -> list[Any]:
    try:
        return predict([rows[number] for number in numbers])
    except UnfitValueError as error:
        raise UnfitValueError(numbers[error.row], error.field, error.problem) from None
