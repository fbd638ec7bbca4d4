"""Rows of a request as the inputs of an ONNX model: one matrix, or an input for each feature."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model_runner.formats.columns import InputBuilder, column_order, matrix, unnamed_matrix
from model_runner.model import Row
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

Feed = Callable[[Sequence[Row]], dict[str, Any]]
_FLOATS = {"tensor(float16)": np.float16, "tensor(float)": np.float32, "tensor(double)": np.float64}
_WHOLE = {
    "tensor(bool)": np.bool_,
    **{f"tensor({sign}int{bits})": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_TEXT = "tensor(string)"


class OnnxInputs:
    """What a session wants.

    Attributes:
        batch: the number of rows that it takes at once; None for any.
    """

    def __init__(self, inputs: Sequence[Any]) -> None:
        self._inputs = list(inputs)
        first = self._inputs[0].shape[:1] if self._inputs else []
        self.batch: int | None = first[0] if first and isinstance(first[0], int) else None

    def features(self) -> tuple[Feature, ...] | None:
        """The inputs by name; columns of a matrix are called x0, x1, ... as they are by scikit-learn."""
        if self._misfit() is not None:
            return None
        if not self._is_matrix():
            return tuple(_feature(each.name, each.type) for each in self._inputs)
        only = self._inputs[0]
        width = only.shape[1]
        return tuple(_feature(f"x{i}", only.type) for i in range(width)) if isinstance(width, int) else None

    def names(self) -> tuple[str, ...] | None:
        """Of the features, where each has an input of its own; a lone input's name is no feature's."""
        return None if self._is_matrix() or len(self._inputs) < 2 else tuple(each.name for each in self._inputs)

    def builder(self, schema: InputSchema | None) -> Feed:
        """Raises ValueError where the inputs cannot be made from rows of this schema."""
        misfit = self._misfit()
        if misfit is not None:
            raise ValueError(f"{misfit}. Write a predict.py with predict(model, rows); model is the session")
        if self._is_matrix():
            return self._matrix_feed(schema)
        if schema is None:  # cannot be: features() has named them
            raise ValueError("the inputs need names: declare [features] in tidegate.toml")
        names = [each.name for each in self._inputs]
        own = None if len(names) == 1 else names
        columns = column_order(own, len(names), schema)
        return _column_feed(list(zip(self._inputs, columns, strict=True)))

    def _matrix_feed(self, schema: InputSchema | None) -> Feed:
        only = self._inputs[0]
        width = only.shape[1] if isinstance(only.shape[1], int) else None
        dtype: Any = object if only.type == _TEXT else _FLOATS.get(only.type) or _WHOLE[only.type]
        build: InputBuilder = unnamed_matrix(dtype)
        if schema is not None:
            build = matrix(column_order(None, width, schema), dtype, schema)
        return lambda rows: {only.name: build(rows)}

    def _is_matrix(self) -> bool:
        return len(self._inputs) == 1 and len(self._inputs[0].shape) == 2 and self._inputs[0].shape[1] != 1

    def _misfit(self) -> str | None:
        """Why rows of named values cannot be fed; None where they can."""
        for each in self._inputs:
            if each.type != _TEXT and each.type not in _FLOATS and each.type not in _WHOLE:
                return f"its input {each.name!r} is a {each.type}, which a row of numbers and text does not give"
            one_column = len(each.shape) == 1 or (len(each.shape) == 2 and each.shape[1] == 1)
            if not one_column and not self._is_matrix():
                return f"its input {each.name!r} has the shape {each.shape}, which a row of named values does not give"
        return None if self._inputs else "it has no inputs"


def _feature(name: str, kind: str) -> Feature:
    if kind == _TEXT:
        return Feature(name=name, kind=Kind.CATEGORICAL, holds=Holds.STRING)
    if kind == "tensor(bool)":
        return Feature(name=name, kind=Kind.BOOLEAN, nullable=False)
    # Integers have no NaN to stand for a missing value.
    return Feature(name=name, kind=Kind.NUMERIC, nullable=kind in _FLOATS)


def _column_feed(columns: Sequence[tuple[Any, str]]) -> Feed:
    def feed(rows: Sequence[Row]) -> dict[str, Any]:
        return {each.name: _column(each, name, [row.get(name) for row in rows]) for each, name in columns}

    return feed


def _column(wanted: Any, name: str, values: list[Any]) -> Any:
    """Shape (rows,) or (rows, 1), as the input has it."""
    if wanted.type == _TEXT:
        # ONNX has no missing text.
        column = np.array(["" if value is None else str(value) for value in values], dtype=object)
    elif wanted.type in _FLOATS:
        column = np.array(values, dtype=_FLOATS[wanted.type])
    else:
        column = _whole(name, values, _WHOLE[wanted.type])
    return column if len(wanted.shape) == 1 else column.reshape(-1, 1)


def _whole(name: str, values: list[Any], dtype: Any) -> Any:
    found = np.array(values, dtype=np.float64)
    if not (np.isfinite(found).all() and (found == np.trunc(found)).all()):
        raise ValueError(f"the model takes whole numbers for {name!r}, found {values}")
    return np.array(values, dtype=np.float64 if dtype is np.bool_ else object).astype(dtype)
