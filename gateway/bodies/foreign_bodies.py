"""Bodies as clients of other model servers send them: MLflow, KServe, Seldon, BentoML, Vertex, TF Serving.

Answered is what can mean one thing only: rows whose features are named, or lists where the order is known. What else is
recognised is refused, with our form filled with the values that were sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.bodies.instance_form import Form
from gateway.bodies.recognised_rows import are_names, recognised
from gateway.refusals import Refusal


def answerable(found: Any) -> list[Any] | None:
    """The rows of MLflow's `dataframe_split` and `dataframe_records`; None for every other body.

    Raises:
        Refusal: it is a `dataframe_split` that is none.
    """
    if type(found) is not dict or len(found) != 1:
        return None
    split = found.get("dataframe_split")
    if type(split) is dict:
        return _split(split)
    records = found.get("dataframe_records")
    is_records = type(records) is list and all(type(record) is dict for record in records)
    return records if is_records else None


def _split(split: Mapping[str, Any]) -> list[Any]:
    columns, data = split.get("columns"), split.get("data")
    if not are_names(columns) or type(data) is not list:
        raise _refused('"dataframe_split" has "columns", a list of names, and "data", a list of rows')
    if len(set(columns)) < len(columns):
        twice = next(name for at, name in enumerate(columns) if name in columns[:at])
        raise Refusal(400, "duplicate_field", f"dataframe_split.columns names {twice!r} twice; send it once")
    unfit = next((at for at, row in enumerate(data) if type(row) is not list or len(row) != len(columns)), None)
    if unfit is not None:
        raise _refused(f"dataframe_split.data[{unfit}] is no list of {len(columns)} values, one per column")
    return [dict(zip(columns, row, strict=True)) for row in data]


def by_position(rows: Sequence[Any], form: Form) -> list[Any]:
    """Lists of values as instances.

    Raises:
        Refusal: the order is not known, or a list has another number of values.
    """
    order, details = form.order, form.details([])
    if order is None:
        problem = "Lists do not say which value is which feature, and in which order the model takes them is not known"
        raise _refused(f"{problem}. {form.shown([])}", details)
    unfit = next((at for at, row in enumerate(rows) if type(row) is not list or len(row) != len(order)), None)
    if unfit is not None:
        few = f"{', '.join(order[:10])}{', …' if len(order) > 10 else ''}"
        problem = f"instances[{unfit}] is no list of {len(order)} values, one for each of {few}"
        raise _refused(f"{problem}. {form.shown([])}", details)
    return [dict(zip(order, row, strict=True)) for row in rows]


def refuse_foreign(found: Any, form: Form) -> None:
    """Raises Refusal where this is no instance: with the values in our form, or with the model's example."""
    if (
        type(found) is dict
        and "instances" not in found
        and not any(type(value) in (list, dict) for value in found.values())
    ):
        return  # an object with misspelt features, of which the schema has more to say
    rows = recognised(found, form)
    raise _refused(f"The body is in no form that is known here. {form.shown(rows)}", form.details(rows))


def _refused(message: str, details: Sequence[Any] = ()) -> Refusal:
    return Refusal(400, "invalid_body", message, details)
