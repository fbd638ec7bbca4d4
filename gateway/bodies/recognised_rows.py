"""What looks like rows in a body of whatever form: only ever shown, never predicted. Pure."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, TypeGuard

from gateway.bodies.instance_form import Form

_DEPTH = 4
"""Of wrappers around rows."""
_ROWS = 20
"""That are looked at."""
_PARTS = 20
"""Fields of a wrapper that are."""
_TABLES = (("columns", "data"), ("names", "ndarray"), ("columns", "values"), ("names", "data"))


def recognised(found: Any, form: Form) -> list[Any]:
    """The first rows that the value has somewhere, as instances; empty where it has none."""
    return _rows(found, form, _DEPTH)[:_ROWS]


def are_names(value: Any) -> TypeGuard[list[str]]:
    """Whether it is a list of columns."""
    return type(value) is list and bool(value) and all(type(name) is str for name in value)


def _rows(value: Any, form: Form, depth: int) -> list[Any]:
    if type(value) is list and value:
        return _of_list(value[:_ROWS], form)
    return _of_object(value, form, depth) if type(value) is dict and depth else []


def _of_object(value: Mapping[str, Any], form: Form, depth: int) -> list[Any]:
    if not form.known.isdisjoint(value):
        return _columnar(value) or [value]
    for names, data in _TABLES:
        if are_names(value.get(names)) and type(value.get(data)) is list:
            return _zipped(value[names], value[data][:_ROWS])
    if type(value.get("shape")) is list:
        return _of_list(_shaped(value["shape"], _flat(value.get("values", value.get("data")))), form)
    inner = (_rows(each, form, depth - 1) for each in islice(value.values(), _PARTS) if not are_names(each))
    return next((rows for rows in inner if rows), [])


def _of_list(value: list[Any], form: Form) -> list[Any]:
    if value and all(type(each) is dict for each in value):
        if all(type(each.get("name")) is str and "data" in each for each in value):
            return _tensors(value, form)
        return value if not form.known or any(not form.known.isdisjoint(each) for each in value) else []
    if not value or form.order is None:
        return []
    if all(type(each) is list for each in value):
        return _zipped(form.order, value)
    return _zipped(form.order, [[each] for each in value] if len(form.order) == 1 else [value])


def _tensors(tensors: Sequence[Mapping[str, Any]], form: Form) -> list[Any]:
    """KServe v2: one tensor per feature, or one for all of them."""
    named = {tensor["name"]: _flat(tensor["data"]) for tensor in tensors if tensor["name"] in form.known}
    if named:
        return _columnar(named)
    shape = tensors[0].get("shape")
    return _of_list(_shaped(shape, _flat(tensors[0]["data"])), form) if type(shape) is list else []


def _columnar(value: Mapping[str, Any]) -> list[Any]:
    """An object of columns of one length."""
    columns = list(value.values())
    if not all(type(column) is list and len(column) == len(columns[0]) for column in columns):
        return []
    return [dict(zip(value, row, strict=True)) for row in islice(zip(*columns, strict=True), _ROWS)]


def _zipped(names: Sequence[str], rows: Sequence[Any]) -> list[Any]:
    if not all(type(row) is list and len(row) == len(names) for row in rows):
        return []
    return [dict(zip(names, row, strict=True)) for row in rows]


def _shaped(shape: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Flat values as the first rows of a matrix of this shape."""
    width = shape[1] if len(shape) == 2 else 0
    if type(width) is not int or width <= 0:
        return []
    return [list(values[at : at + width]) for at in range(0, min(len(values), width * _ROWS), width)]


def _flat(value: Any) -> list[Any]:
    """Of lists, or of lists of lists."""
    parts = value if type(value) is list else [value]
    return [each for part in parts for each in (part if type(part) is list else [part])]
