"""Whether instances fit an input schema; where not: which row, which field, what was expected and what was found."""

from collections.abc import Sequence

import msgspec

from model_runner.names import nearest
from model_runner.schema.schema import Feature, InputSchema, json_types

MAX_PROBLEMS = 20
"""Enough to see the pattern; a caller with 10,000 bad rows does not want 10,000 lines."""

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
}
_JSON_NAMES: dict[type, str] = {
    int: "number",
    float: "number",
    str: "string",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with one instance."""

    row: int
    field: str | None
    expected: str | None
    found: str | None
    message: str


class Problems(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a batch: the first problems, and whether there are more."""

    listed: tuple[Problem, ...]
    more: bool

    def __str__(self) -> str:
        text = "; ".join(problem.message for problem in self.listed[:3])
        unsaid = len(self.listed) - 3
        if self.more or unsaid > 0:
            text += f"; and {'more than ' if self.more else ''}{unsaid} more"
        return text


class _Absent:
    """Stands for a key that is not there: a type that only an optional feature accepts."""


_ABSENT = _Absent()


def _accepted(feature: Feature) -> frozenset[type]:
    types = {python for name in json_types(feature) for python in _PYTHON_TYPES[name]}
    return frozenset(types if feature.required else types | {_Absent})


class InstanceChecker:
    """A schema made ready for checking many instances."""

    def __init__(self, schema: InputSchema) -> None:
        self._schema = schema
        self._checks = tuple((feature.name, _accepted(feature)) for feature in schema.features)
        self._names = frozenset(schema.names)

    def check(self, instances: Sequence[object]) -> Problems | None:
        """None when every instance fits.

        A row that fits costs one dictionary look-up a feature; only one that does not is looked at closely.
        """
        found: list[Problem] = []
        for row, instance in enumerate(instances):
            if not self._fits(instance):
                found += self._problems(row, instance)
                if len(found) > MAX_PROBLEMS:
                    break
        if not found:
            return None
        return Problems(listed=tuple(found[:MAX_PROBLEMS]), more=len(found) > MAX_PROBLEMS)

    def _fits(self, instance: object) -> bool:
        if type(instance) is not dict:
            return False
        present = 0
        get = instance.get
        for name, accepted in self._checks:
            found = type(get(name, _ABSENT))
            if found not in accepted:
                return False
            present += found is not _Absent
        return present == len(instance)

    def _problems(self, row: int, instance: object) -> list[Problem]:
        if not isinstance(instance, dict):
            found = json_type_name(instance)
            message = f"instances[{row}]: expected an object with the model's features, found {article(found)}"
            return [Problem(row=row, field=None, expected="object", found=found, message=message)]
        unknown = [str(name) for name in instance if name not in self._names]
        problems = [self._misfit(row, feature, instance, unknown) for feature in self._schema.features]
        return [problem for problem in problems if problem] + [self._unknown(row, name, instance) for name in unknown]

    def _misfit(
        self, row: int, feature: Feature, instance: dict[str, object], unknown: Sequence[str]
    ) -> Problem | None:
        value = instance.get(feature.name, _ABSENT)
        if type(value) in _accepted(feature):
            return None
        expected = " or ".join(json_types(feature))
        where = f"instances[{row}].{feature.name}"
        if isinstance(value, _Absent):
            meant = nearest(feature.name, unknown, most=1)
            hint = f"; did you mean {feature.name!r} by {meant[0]!r}?" if meant else _null_hint(feature)
            return Problem(
                row=row,
                field=feature.name,
                expected=expected,
                found=None,
                message=f"{where}: missing, expected {expected}{hint}",
            )
        found = json_type_name(value)
        message = f"{where}: expected {expected}, found {article(found)}"
        return Problem(row=row, field=feature.name, expected=expected, found=found, message=message)

    def _unknown(self, row: int, name: str, instance: dict[str, object]) -> Problem:
        meant = nearest(name, self._names, most=1)
        hint = f"did you mean {meant[0]!r}?" if meant else "the model has no such feature: leave it out"
        return Problem(
            row=row,
            field=name,
            expected=None,
            found=json_type_name(instance[name]),
            message=f"instances[{row}].{name}: unknown field; {hint}",
        )


def _null_hint(feature: Feature) -> str:
    return " (send null for a missing value)" if feature.nullable else ""


def json_type_name(value: object) -> str:
    """What JSON calls the value's type."""
    return _JSON_NAMES.get(type(value), type(value).__name__)


def article(noun: str) -> str:
    """The noun as it stands in a sentence."""
    if noun == "null":
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
