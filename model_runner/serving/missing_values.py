"""Whether a missing value is what a model failed on: then the request is at fault, and the field can be named."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from model_runner.explaining.sandbox_errors import is_out_of_memory
from model_runner.model import Predict, Row
from model_runner.schema.dtypes import MixedRowsError, UnfitValueError
from model_runner.schema.made_up import made_up
from model_runner.schema.schema import InputSchema

MOST_FIELDS = 20
"""With a missing value, that are tried one by one."""


def blaming_missing(predict: Predict, schema: InputSchema | None, example: Mapping[str, Any] | None) -> Predict:
    """The same, but where the model fails on rows with nulls and not on the same rows with values in their place, it
    raises UnfitValueError: which row and which field.

    Args:
        example: its values stand in for missing ones.
    """
    if schema is None:
        return predict
    instead = {**made_up(schema), **{name: value for name, value in (example or {}).items() if value is not None}}

    def predicted(rows: Sequence[Row]) -> list[Any]:
        try:
            return predict(rows)
        except (UnfitValueError, MixedRowsError):
            raise
        except Exception as error:
            found = None if is_out_of_memory(error) else _blamed(predict, rows, instead)
            if found is None:
                raise
            problem = f"null, on which the model fails ({type(error).__name__}: {str(error)[:200]}); send a value"
            raise UnfitValueError(*found, problem) from error

    return predicted


def _blamed(predict: Predict, rows: Sequence[Row], instead: Mapping[str, Any]) -> tuple[int, str] | None:
    """The first row and field whose null the model does not take; None where something else is wrong."""
    places: dict[str, int] = {}
    for number, row in enumerate(rows):
        for name in instead:
            if row.get(name) is None:
                places.setdefault(name, number)
    if not places or not _goes(predict, [_filled(row, instead) for row in rows]):
        return None
    for name, number in list(places.items())[:MOST_FIELDS]:
        others = {other: value for other, value in instead.items() if other != name}
        if not _goes(predict, [_filled(rows[number], others)]):
            return number, name
    name, number = next(iter(places.items()))
    return number, name


def _filled(row: Row, instead: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{name: value for name, value in instead.items() if row.get(name) is None}}


def _goes(predict: Callable[[list[dict[str, Any]]], list[Any]], rows: list[dict[str, Any]]) -> bool:
    try:
        predict(rows)
    except Exception:  # whatever a model raises
        return False
    return True
