"""What models answer as JSON: NumPy's, pandas' and PyTorch's values become Python's, NaN and infinity become null."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any

_MISSING = {"NAType", "NaTType"}
_DOUBLE = 8
"""Bytes."""


def to_json(value: Any) -> Any:
    """The value as JSON.

    Raises:
        TypeError: nothing in JSON stands for it.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    return _scalar(value) if isinstance(value, int | str | date | time | Decimal | Enum) else _foreign(value)


def _scalar(value: int | str | date | time | Decimal | Enum) -> Any:
    if isinstance(value, Enum):
        return to_json(value.value)
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, int | str):
        return str(value) if isinstance(value, str) else int(value)
    return to_json(float(value)) if isinstance(value, Decimal) else value.isoformat()


def is_array(value: Any) -> bool:
    """Whether it is of NumPy, pandas, scipy or PyTorch, and becomes lists as a whole."""
    return any(hasattr(value, name) for name in ("tolist", "to_dict", "toarray"))


def _foreign(value: Any) -> Any:
    if hasattr(value, "toarray"):  # scipy's sparse matrices
        return _listed(value.toarray())
    if hasattr(value, "tolist"):  # arrays, their scalars, tensors, series
        return _listed(value)
    if hasattr(value, "to_dict"):
        return to_json(_records(value))
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, bytes):
        return value.decode()  # NumPy's labels of ASCII
    raise TypeError(f"a prediction holds a {type(value).__name__}, which JSON has no form for")


def _listed(array: Any) -> Any:
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind in {"M", "m"} and type(array).__module__ == "numpy":  # of nanoseconds it would make whole numbers
        array = array.astype(f"{'datetime' if kind == 'M' else 'timedelta'}64[us]")
    elif kind == "f" and array.dtype.itemsize > _DOUBLE:
        array = array.astype(float)
    listed = array.tolist()
    if kind and listed is array:
        raise TypeError(f"a prediction holds a {type(array).__name__}, which JSON has no form for")
    return listed if _all_finite(array) else to_json(listed)


def _records(frame: Any) -> Any:
    """Of a data frame an object a row."""
    if not frame.columns.is_unique:
        raise TypeError(f"the model answered with a DataFrame that has columns twice: {list(frame.columns)[:20]}")
    return frame.to_dict("records")


def _all_finite(array: Any) -> bool:
    """In C; False where it cannot be told that way."""
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind in {"i", "u", "b"}:
        return True
    return kind == "f" and array.size > 0 and math.isfinite(array.min()) and math.isfinite(array.max())


def per_row(found: Any, rows: int) -> list[Any]:
    """One answer a row from what a network gives: an array, several of them, or several by name.

    Args:
        found: shape (rows,) or (rows, …): a number or a list a row, a number where a row has only one; of several
            arrays a list or an object a row.
        rows: how many rows were asked.

    Raises:
        ValueError: it has another number of answers.
    """
    if isinstance(found, Mapping):
        columns = [per_row(item, rows) for item in found.values()]
        return [dict(zip(map(str, found), values, strict=True)) for values in zip(*columns, strict=True)]
    if isinstance(found, tuple):
        return [list(values) for values in zip(*(per_row(item, rows) for item in found), strict=True)]
    answers = squeezed(found)
    if not isinstance(answers, list) or len(answers) != rows:
        shape = tuple(getattr(found, "shape", ()))
        raise ValueError(f"the model answered with an array of shape {shape}; its first size must be {rows}, one a row")
    return answers


def squeezed(found: Any) -> Any:
    """An array as lists; a row of one value is that value."""
    values = to_json(found)
    if not isinstance(values, list):
        return values
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]


def likeliest(labels: Sequence[Any], probabilities: Any) -> list[dict[str, Any]]:
    """The likeliest class of each row, with its score.

    Args:
        labels: one per class.
        probabilities: an array of shape (rows, classes).
    """
    best = probabilities.argmax(axis=1).tolist()
    scores = scores_of(probabilities)
    return [{"class": labels[i], "score": score} for i, score in zip(best, scores, strict=True)]


def scores_of(probabilities: Any) -> list[float | None]:
    """Shape (rows, classes) to a score a row: of the second (positive) class of two, of the likeliest of more."""
    scores = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities.max(axis=1)
    return list(to_json(scores))


def positive(labels: Sequence[Any], probabilities: Any) -> list[dict[str, Any]]:
    """Two classes from the probability of the second, shape (rows,)."""
    sides = (probabilities > 0.5).tolist()
    scores = to_json(probabilities)
    return [{"class": labels[int(side)], "score": score} for side, score in zip(sides, scores, strict=True)]
