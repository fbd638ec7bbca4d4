"""Checking instances against a schema: what passes, and what is said of what does not."""

from typing import Any

import pytest

from model_runner.schema import schema as schema_codec
from model_runner.schema.instances import MAX_PROBLEMS, InstanceChecker
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind

SCHEMA = InputSchema(
    features=(
        Feature(name="age", kind=Kind.NUMERIC),
        Feature(name="income", kind=Kind.NUMERIC, nullable=False),
        Feature(name="city", kind=Kind.CATEGORICAL, holds=Holds.STRING, categories=("a", "b")),
        Feature(name="code", kind=Kind.CATEGORICAL, required=False),
        Feature(name="vip", kind=Kind.BOOLEAN),
    ),
    source="tidegate.toml",
)
GOOD: dict[str, Any] = {"age": 1, "income": 2.5, "city": "a", "code": 7, "vip": True}


@pytest.mark.parametrize(
    "change",
    [{}, {"age": None}, {"city": "never seen"}, {"code": "x"}, {"code": None}, {"vip": None}, {"income": 3}],
)
def test_good_instances_pass(change: dict[str, Any]) -> None:
    assert InstanceChecker(SCHEMA).check([GOOD, {**GOOD, **change}]) is None


def test_a_name_in_other_letters_is_the_nearest() -> None:
    problems = InstanceChecker(SCHEMA).check([{**{name: GOOD[name] for name in GOOD if name != "vip"}, "VIP": True}])
    assert "did you mean 'vip' by 'VIP'?" in str(problems)


def test_an_optional_feature_may_be_absent() -> None:
    assert InstanceChecker(SCHEMA).check([{name: GOOD[name] for name in ("vip", "city", "income", "age")}]) is None


@pytest.mark.parametrize(
    ("change", "field", "expected", "found"),
    [
        ({"age": "1"}, "age", "number or null", "string"),
        ({"age": True}, "age", "number or null", "boolean"),
        ({"income": None}, "income", "number", "null"),
        ({"city": 5}, "city", "string or null", "number"),
        ({"vip": 1}, "vip", "boolean or null", "number"),
        ({"code": [1]}, "code", "string or number or boolean or null", "array"),
        ({"age": {"x": 1}}, "age", "number or null", "object"),
    ],
)
def test_a_wrong_type_is_named(change: dict[str, Any], field: str, expected: str, found: str) -> None:
    problems = InstanceChecker(SCHEMA).check([GOOD, {**GOOD, **change}])
    assert problems is not None
    (problem,) = problems.listed
    assert (problem.row, problem.field, problem.expected, problem.found) == (1, field, expected, found)
    assert f"instances[1].{field}" in str(problems)


def test_a_misspelt_field_is_both_missing_and_unknown() -> None:
    row = {("icnome" if name == "income" else name): value for name, value in GOOD.items()}
    problems = InstanceChecker(SCHEMA).check([row])
    assert problems is not None
    assert [problem.message for problem in problems.listed] == [
        "instances[0].income: missing, expected number; did you mean 'income' by 'icnome'?",
        "instances[0].icnome: unknown field; did you mean 'income'?",
    ]


def test_the_list_of_problems_is_bounded() -> None:
    problems = InstanceChecker(SCHEMA).check([{}] * 10_000)
    assert problems is not None
    assert len(problems.listed) == MAX_PROBLEMS
    assert problems.more
    assert str(problems).endswith("and more than 17 more")


def test_no_instance_of_another_shape_passes() -> None:
    checker = InstanceChecker(SCHEMA)
    for instance in (None, 1, "x", [GOOD], [], {**GOOD, "more": 1}):
        assert checker.check([instance]) is not None


def test_the_registry_s_json_gives_the_schema_back() -> None:
    assert schema_codec.decode(schema_codec.encode(SCHEMA)) == SCHEMA
