"""What a pusher is told about a new version: its inputs, and how far its predictions moved."""

import math

from model_runner.schema.schema import Feature, InputSchema, Kind
from tidegate.deployer.pipeline.changes import described, movement, schema_changes


def _schema(*features: Feature) -> InputSchema:
    return InputSchema(features=features, source="model")


PRICE = Feature(name="price", kind=Kind.NUMERIC)
REGION = Feature(name="region", kind=Kind.CATEGORICAL)


def test_new_gone_and_changed_features_are_named() -> None:
    before = _schema(PRICE, REGION)
    after = _schema(Feature(name="price", kind=Kind.NUMERIC, nullable=False), Feature(name="age", kind=Kind.NUMERIC))

    lines = schema_changes(before, after)

    assert lines == [
        "- region",
        "~ price: numeric: number or null → numeric: number",
        "+ age (numeric: number or null)",
    ]


def test_categories_alone_change_nothing_for_callers() -> None:
    known = Feature(name="region", kind=Kind.CATEGORICAL, categories=("north",))

    assert schema_changes(_schema(REGION), _schema(known)) == []


def test_a_schema_that_comes_or_goes_is_said() -> None:
    assert schema_changes(None, None) == []
    assert "validated now" in schema_changes(None, _schema(PRICE))[0]
    assert "not validated any more" in schema_changes(_schema(PRICE), None)[0]


def test_classes_are_counted_and_numbers_measured() -> None:
    before = [{"class": "UP", "score": 0.9}, {"class": "UP", "score": 0.6}, 1.0, [1, 2], "a"]
    after = [{"class": "UP", "score": 0.8}, {"class": "DOWN", "score": 0.4}, 1.5, [1, 4], "a"]

    moved = movement(before, after)

    assert moved.rows == 5
    assert moved.changed == 1
    assert moved.mean is not None
    assert math.isclose(moved.mean, (0.1 + 0.2 + 0.5 + 0 + 2) / 5)
    assert moved.largest == 2
    assert described(moved, "test rows") == (
        "5 test rows: 1 with another answer; numbers moved by 0.56 on average, at most 2"
    )


def test_another_shape_is_another_answer_and_true_is_no_number() -> None:
    moved = movement([1.0, True, [1, 2], None], [{"class": 1}, 1, [1], None])

    assert moved.changed == 3


def test_the_same_predictions_are_said_to_be_so() -> None:
    assert described(movement([1.0, "a"], [1.0, "a"]), "test rows") == "2 test rows: the same predictions"
