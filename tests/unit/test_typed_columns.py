"""Rows of a request as the frame that the model was fitted on: each column of its own type, values exact or refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from model_runner.formats.frames import framed
from model_runner.model import Row
from model_runner.schema.dtypes import MixedRowsError, UnfitValueError
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind, Null, decode
from model_runner.serving.apart import apart


def numeric(dtype: str) -> Feature:
    return Feature(name="x", kind=Kind.NUMERIC, dtype=dtype)


def text(**given: Any) -> Feature:
    return Feature(name="x", kind=Kind.CATEGORICAL, holds=Holds.STRING, **given)


def column(feature: Feature, values: Sequence[Any]) -> Any:
    return framed([feature])([{"x": value} for value in values])["x"]


@pytest.mark.parametrize(
    ("feature", "values", "wanted"),
    [
        (numeric("int64"), [3, 2**53 + 1, -(2**63)], pd.Series([3, 2**53 + 1, -(2**63)])),
        (numeric("int64"), [3.0, 4], pd.Series([3, 4])),
        (numeric("int64"), [3.5, None], pd.Series([3.5, np.nan])),
        (numeric("uint64"), [2**64 - 1], pd.Series([2**64 - 1], dtype="uint64")),
        (numeric("int8"), [-128, 127], pd.Series([-128, 127], dtype="int8")),
        (numeric("Int64"), [2**53 + 1, None], pd.Series([2**53 + 1, None], dtype="Int64")),
        (numeric("float32"), [0.1, None], pd.Series([0.1, None], dtype="float32")),
        (numeric(""), [3, None], pd.Series([3.0, np.nan])),
        (Feature(name="x", kind=Kind.BOOLEAN, dtype="bool"), [True, False], pd.Series([True, False])),
        (Feature(name="x", kind=Kind.BOOLEAN, dtype="boolean"), [True, None], pd.Series([True, None], dtype="boolean")),
        (Feature(name="x", kind=Kind.BOOLEAN, dtype="object"), [True, None], pd.Series([True, np.nan], dtype=object)),
        (text(), ["01067", None], pd.Series(["01067", np.nan])),
        (text(null=Null.NONE), ["a", None], pd.Series(["a", None], dtype=object)),
        (text(null=Null.NA), ["a", None], pd.Series(["a", pd.NA], dtype=object)),
        (text(dtype="string"), ["a", None], pd.Series(["a", None], dtype="string")),
        (
            text(dtype="category", categories=("low", "high"), ordered=True),
            ["high", None, "never seen"],
            pd.Series(pd.Categorical(["high", None, None], categories=["low", "high"], ordered=True)),
        ),
        (
            Feature(name="x", kind=Kind.CATEGORICAL, dtype="category", categories=(7, 3)),
            [3, 7],
            pd.Series(pd.Categorical([3, 7], categories=[7, 3])),
        ),
        (Feature(name="x", kind=Kind.CATEGORICAL, dtype="int64"), [7, 3], pd.Series([7, 3])),
        (
            Feature(name="x", kind=Kind.DATETIME, dtype="datetime64[ns, Europe/Berlin]"),
            ["2026-07-01T10:00:00Z", None],
            pd.Series(pd.to_datetime(["2026-07-01T12:00:00+02:00", None]).tz_convert("Europe/Berlin").as_unit("ns")),
        ),
        (
            Feature(name="x", kind=Kind.DATETIME, dtype="datetime64[us]"),
            ["2026-07-01T10:00:00+02:00", "2026-07-01"],
            pd.Series(pd.to_datetime(["2026-07-01T08:00:00", "2026-07-01T00:00:00"], format="ISO8601").as_unit("us")),
        ),
        (Feature(name="x", kind=Kind.CATEGORICAL, dtype="null"), [None, None], pd.Series([np.nan, np.nan])),
        (Feature(name="x", kind=Kind.CATEGORICAL, dtype="null"), ["late", "text"], pd.Series(["late", "text"])),
    ],
)
def test_a_column_is_of_the_type_that_it_had_in_training(feature: Feature, values: list[Any], wanted: Any) -> None:
    pd.testing.assert_series_equal(column(feature, values), wanted, check_names=False)


@pytest.mark.parametrize(
    ("feature", "values", "row", "says"),
    [
        (numeric("int64"), [1, 2**63], 1, "does not fit into int64"),
        (numeric("int8"), [128], 0, "128 does not fit into int8"),
        (numeric("uint8"), [-1], 0, "does not fit into uint8"),
        (numeric("int64"), [1, 10**400], 1, "digits) does not fit"),
        (numeric("float64"), [1.5, 2**53 + 1], 1, "9007199254740993 cannot be given to the model exactly"),
        (numeric(""), [2**53 + 1, None], 0, "exactly"),
        (numeric("float64"), [10**400], 0, "too large a number"),
        (numeric("float32"), [0.0, 1e39], 1, "does not fit into float32"),
        (Feature(name="x", kind=Kind.CATEGORICAL, dtype="int64"), [1, "1"], 1, "it is text"),
        (Feature(name="x", kind=Kind.DATETIME), ["now"], 0, "no ISO 8601 time"),
        (Feature(name="x", kind=Kind.DATETIME, dtype="datetime64[ns]"), ["2026-01-01", "3000-01-01"], 1, "ns"),
    ],
)
def test_a_value_that_cannot_be_given_is_named(feature: Feature, values: list[Any], row: int, says: str) -> None:
    with pytest.raises(UnfitValueError) as raised:
        column(feature, values)
    assert (raised.value.row, raised.value.field) == (row, "x")
    assert says in str(raised.value)


STORES = InputSchema(features=(numeric("int64"), Feature(name="y", kind=Kind.NUMERIC, dtype="float64")), source="t")


def test_a_null_beside_whole_numbers_changes_nobody_else_s_row() -> None:
    build = framed(STORES.features)
    rows: list[Row] = [{"x": 3, "y": 1}, {"x": None, "y": 2}, {"x": 4, "y": 3}, {"x": 2.5, "y": 4}]
    with pytest.raises(MixedRowsError):
        build(rows)
    calls: list[int] = []

    def predict(given: Sequence[Row]) -> list[Any]:
        frame = build(given)
        calls.append(len(frame))
        return [f"{x}/{y}" for x, y in zip(frame["x"], frame["y"], strict=True)]

    assert apart(predict, STORES)(rows) == ["3/1.0", "nan/2.0", "4/3.0", "2.5/4.0"]
    assert calls == [2, 2], "one call for each type, not one for each row"
    assert apart(predict, STORES)(rows[:1]) == ["3/1.0"]


def test_a_bad_value_is_named_by_its_row_also_where_rows_go_apart() -> None:
    build = framed(STORES.features)
    rows: list[Row] = [{"x": None, "y": 1}, {"x": 1, "y": 2}, {"x": 2**70, "y": 3}]
    with pytest.raises(UnfitValueError) as raised:
        apart(lambda given: list(build(given)["x"]), STORES)(rows)
    assert raised.value.row == 2


def test_a_schema_of_before_there_were_types_can_be_read() -> None:
    old = '{"features":[{"name":"x","kind":"numeric"}],"source":"reference.csv","v":1}'
    assert decode(old).features == (numeric(""),)
