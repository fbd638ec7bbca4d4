"""What scikit-learn's fitted parts remember of the columns that they met: categories, and what was missing."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from model_runner.schema.fitted import Cells, Column
from model_runner.schema.schema import Null

_INNER = ("best_estimator_", "estimator_", "estimator", "regressor_", "regressor")
_MOST_DEPTH = 20
_KINDS = {"i": Cells.WHOLE, "u": Cells.WHOLE, "f": Cells.FLOATS, "b": Cells.TRUTH, "U": Cells.TEXT}


def remembered(estimator: Any, names: Sequence[str]) -> dict[str, Column]:
    """By the names of the columns that the estimator was fitted on; whatever it is, this does not fail."""
    found: dict[str, Column] = {}
    for name, column in _walk(estimator, list(names), 0):
        before = found.get(name, Column())
        found[name] = Column(
            before.cells or column.cells,
            before.null or column.null,
            column.example if before.example is None else before.example,
        )
    return found


def classes_of(estimator: Any) -> frozenset[Any]:
    """The labels that it was taught; none where there are none, or a set for each of several outputs."""
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        return frozenset()
    return frozenset(classes.tolist())


def _walk(part: Any, names: list[str], depth: int) -> Iterator[tuple[str, Column]]:
    if depth > _MOST_DEPTH or not hasattr(part, "fit") or isinstance(part, type):
        return
    yield from _own(part, names)
    for inner, columns in _parts(part, names):
        yield from _walk(inner, columns, depth + 1)


def _parts(part: Any, names: list[str]) -> Iterator[tuple[Any, list[str]]]:
    """Those that meet the same columns, or some of them."""
    steps = getattr(part, "steps", None)
    branches = getattr(part, "transformers_", None)
    if isinstance(steps, list):
        yield from ((step, names) for step in _first(steps))
    elif isinstance(branches, list):
        yield from ((inner, _chosen(columns, names)) for _, inner, columns in branches)
    elif isinstance(union := getattr(part, "transformer_list", None), list):
        yield from ((inner, names) for _, inner in union)
    else:
        calibrated = getattr(part, "calibrated_classifiers_", None) or [part]
        held = (getattr(calibrated[0], name, None) for name in _INNER)
        yield from ((inner, names) for inner in held if inner is not None)


def _first(steps: Sequence[Any]) -> Iterator[Any]:
    """The first step, and what comes after an imputer, which gives on the columns that it got."""
    for _, step in steps:
        if not hasattr(step, "fit"):  # "passthrough"
            continue
        yield step
        if not hasattr(step, "statistics_") or getattr(step, "add_indicator", False):
            return


def _chosen(columns: Any, names: list[str]) -> list[str]:
    """The names that a part of a ColumnTransformer has: it may know them, their numbers, or a mask."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice) and not isinstance(columns.start, str) and not isinstance(columns.stop, str):
        return names[columns]
    if not isinstance(columns, list | tuple | np.ndarray):
        return []
    listed = list(columns)
    if all(isinstance(each, str) for each in listed):
        return [str(each) for each in listed]
    chosen = np.array(names, dtype=object)
    try:
        return [str(name) for name in chosen[np.array(listed)]]
    except (IndexError, TypeError, ValueError):
        return []


def _own(part: Any, names: list[str]) -> Iterator[tuple[str, Column]]:
    categories = getattr(part, "categories_", None)
    if isinstance(categories, list) and len(categories) == len(names):
        yield from ((name, _of_categories(np.asarray(each))) for name, each in zip(names, categories, strict=True))
    filled = getattr(part, "statistics_", None)
    if isinstance(filled, np.ndarray) and len(filled) == len(names) and hasattr(part, "missing_values"):
        null = _null(part.missing_values)
        yield from ((name, Column(null=null)) for name in names)


def _of_categories(values: Any) -> Column:
    if values.dtype.kind != "O":
        cells = _KINDS.get(values.dtype.kind)
        return Column(cells, None, values[0].item() if cells is not None and values.size else None)
    present = [value for value in values if _null(value) is None]
    null = next((_null(value) for value in values if _null(value) is not None), None)
    return Column(_cells(present), null, present[0] if present else None)


def _cells(values: Sequence[Any]) -> Cells | None:
    """None where there are none, or several kinds."""
    for type_, cells in ((str, Cells.TEXT), (bool, Cells.TRUTH), (int, Cells.WHOLE), (float, Cells.FLOATS)):
        if values and all(isinstance(value, type_) for value in values):
            return cells
    return None


def _null(value: Any) -> Null | None:
    """Which missing value it is; None where a value is there."""
    if value is None:
        return Null.NONE
    if type(value).__name__ == "NAType":
        return Null.NA
    return Null.NAN if isinstance(value, float) and math.isnan(value) else None
