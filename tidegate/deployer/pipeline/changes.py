"""What is different about a new version: its input schema, and what it answers to the same rows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model_runner.plain_text import plain
from model_runner.schema.schema import Feature, InputSchema, json_types


def schema_changes(before: InputSchema | None, after: InputSchema | None) -> list[str]:
    """One line for each change, in the order of the features; none where callers need not care."""
    if before is None or after is None:
        if before is after:
            return []
        return ["inputs are validated now" if before is None else "inputs are not validated any more: no schema"]
    old = {feature.name: feature for feature in before.features}
    new = {feature.name: feature for feature in after.features}
    gone = [f"- {plain(name, 80)}" for name in old if name not in new]
    return [*gone, *(line for name, feature in new.items() for line in _feature_change(old.get(name), feature))]


def _feature_change(before: Feature | None, after: Feature) -> Iterator[str]:
    if before is None:
        yield f"+ {plain(after.name, 80)} ({_described(after)})"
    elif _described(before) != _described(after):
        yield f"~ {plain(after.name, 80)}: {_described(before)} → {_described(after)}"


def _described(feature: Feature) -> str:
    required = "" if feature.required else ", optional"
    return f"{feature.kind.value}: {' or '.join(json_types(feature))}{required}"


@dataclass(frozen=True)
class Movement:
    """How far predictions of the same rows are from each other."""

    rows: int
    changed: int
    """Rows whose answer differs in anything but a number: another class, another shape."""
    mean: float | None
    """Mean absolute difference of the numbers; None where there are none in common."""
    largest: float | None


def movement(before: Sequence[Any], after: Sequence[Any]) -> Movement:
    """Compare the predictions row by row: numbers by their difference, all else by equality."""
    changed = 0
    differences: list[float] = []
    for old, new in zip(before, after, strict=True):
        found: list[float] = []
        changed += not _same(old, new, found)
        differences += found
    if not differences:
        return Movement(len(after), changed, None, None)
    return Movement(len(after), changed, math.fsum(differences) / len(differences), max(differences))


def described(moved: Movement, source: str) -> str:
    """One line."""
    if not moved.changed and not moved.largest:
        return f"{moved.rows} {source}: the same predictions"
    parts = [f"{moved.changed} with another answer"] if moved.changed else []
    if moved.largest is not None and moved.mean is not None:
        parts.append(f"numbers moved by {moved.mean:.3g} on average, at most {moved.largest:.3g}")
    return f"{moved.rows} {source}: {'; '.join(parts)}"


def _same(old: Any, new: Any, differences: list[float]) -> bool:
    """Whether all but the numbers is the same; those are put into `differences`."""
    if _is_number(old) and _is_number(new):
        difference = abs(new - old)
        if math.isfinite(difference):
            differences.append(float(difference))
        return True
    if isinstance(old, dict) and isinstance(new, dict):
        # As a list: every number is to be seen, also behind the first difference.
        same = [_same(old[key], new[key], differences) for key in new if key in old]
        return old.keys() == new.keys() and all(same)
    if isinstance(old, list) and isinstance(new, list):
        same = [_same(*pair, differences) for pair in zip(old, new, strict=False)]
        return len(old) == len(new) and all(same)
    return type(old) is type(new) and bool(old == new)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
