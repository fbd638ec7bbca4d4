"""The frame that a model is held against is the one of its training: by pandas, from the reference itself."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from model_runner.folder.schema_source import ModelInputs
from model_runner.schema.manner import Manner
from model_runner.schema.schema import Feature, Holds, InputSchema, Kind
from model_runner.serving.own_answers import OwnAnswers
from model_runner.serving.own_frames import OwnFrames

SCHEMA = InputSchema(
    features=(
        Feature(name="count", kind=Kind.NUMERIC, dtype="int64"),
        Feature(name="zip", kind=Kind.CATEGORICAL, holds=Holds.STRING),
        Feature(name="at", kind=Kind.DATETIME),
    ),
    source="reference.csv",
)
TIMES = ["2026-01-01T10:00:00", "2026-01-02T11:30:00"]
ROWS: list[dict[str, Any]] = [
    {"count": 2**53 + 1, "zip": "01067", "at": TIMES[0]},
    {"count": 3, "zip": None, "at": TIMES[1]},
]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    (tmp_path / "reference.csv").write_text(f"count,zip,at\n{2**53 + 1},01067,{TIMES[0]}\n3,,{TIMES[1]}\n")
    return tmp_path / "reference.csv"


def test_rows_of_a_csv_have_its_numbers_and_the_schemas_text(csv: Path) -> None:
    frame = OwnFrames(csv, SCHEMA).frame(ROWS, 0)
    assert [frame["count"].dtype.kind, frame["at"].dtype.kind] == ["i", "M"]
    assert frame["count"].tolist() == [2**53 + 1, 3]
    assert frame["zip"][0] == "01067"
    assert pd.isna(frame["zip"][1])
    assert frame["at"].dt.hour.tolist() == [10, 11]


def test_a_row_alone_is_the_same_row_as_among_the_others(csv: Path) -> None:
    frames = OwnFrames(csv, SCHEMA)
    whole = frames.frame(ROWS, 0)
    for number in range(len(ROWS)):
        alone = frames.frame(ROWS[number : number + 1], number)
        expected = whole.iloc[[number]].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.astype({"zip": object}), expected.astype({"zip": object}))


def test_rows_of_a_parquet_file_have_its_types(tmp_path: Path) -> None:
    trained = pd.DataFrame({"count": pd.array([1, None], dtype="Int64"), "zip": pd.Categorical(["b", "a"])})
    trained["at"] = pd.to_datetime(pd.Series(TIMES)).dt.tz_localize("Europe/Berlin")
    trained.to_parquet(tmp_path / "reference.parquet")
    frames = OwnFrames(tmp_path / "reference.parquet", SCHEMA)
    rows: list[dict[str, Any]] = [
        {"count": 1, "zip": "b", "at": "2026-01-01T09:00:00Z"},
        {"count": None, "zip": "a", "at": "2026-01-02T10:30:00Z"},
    ]
    for start in (0, None):
        frame = frames.frame(rows, start)
        assert [str(dtype) for dtype in frame.dtypes] == [str(dtype) for dtype in trained.dtypes]
        assert frame["at"].dt.hour.tolist() == [10, 11]


def test_a_null_among_whole_numbers_leaves_the_other_rows_whole(csv: Path) -> None:
    whole = {**ROWS[1], "zip": "1"}
    rows = [whole, {**whole, "count": None}, {**whole, "count": 4}, {**whole, "count": None}]
    frames = OwnFrames(csv, SCHEMA)
    parts = frames.parts(rows, None)
    assert [list(numbers) for numbers, _ in parts] == [[0, 2], [1, 3]], "those that lack the same are together"
    assert parts[0][1]["count"].tolist() == [3, 4]
    assert parts[0][1]["count"].dtype.kind == "i"
    for numbers, frame in parts:
        for place, number in enumerate(numbers):
            pd.testing.assert_frame_equal(
                frame.iloc[[place]].reset_index(drop=True), frames.frame([rows[number]], None), check_freq=False
            )
    assert len(frames.parts(ROWS, 0)) == 1, "those of the reference are as pandas reads them"


class _Counts:
    """Answers how many rows it was asked with, and which."""

    def own_answers(self, frame: Any, _schema: InputSchema | None, _manner: Manner) -> list[Any]:
        return [[len(frame), None if pd.isna(count) else int(count)] for count in frame["count"]]


def test_answers_come_in_the_order_of_the_rows(csv: Path) -> None:
    inputs = ModelInputs(SCHEMA, None)
    own = OwnAnswers(_Counts(), lambda _: [], OwnFrames(csv, SCHEMA), inputs)
    rows = [{**ROWS[0], "count": count} for count in (None, 1, None, 2, 3)]
    assert own.answers(rows, None) == [[2, None], [3, 1], [2, None], [3, 2], [3, 3]]


def test_a_file_that_pandas_reads_in_another_way_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "reference.csv").write_text(f"count;zip;at\n3;01067;{TIMES[0]}\n")
    frame = OwnFrames(tmp_path / "reference.csv", SCHEMA).frame(ROWS[1:], 0)
    assert frame["count"].tolist() == [3]


class _Asked:
    """Answers by the type of one column; a request's rows reach it as floats."""

    def own_answers(self, frame: Any, schema: object, manner: object) -> list[Any]:  # noqa: ARG002 - the protocol's
        return frame["count"].astype(str).tolist()  # type: ignore[no-any-return]

    def given(self, rows: Any, schema: object, manner: object) -> Any:  # noqa: ARG002 - as above
        return pd.DataFrame(rows).astype({"count": float}).assign(at=0)


def test_the_column_that_makes_the_difference_is_named_with_both_values(csv: Path) -> None:
    own = OwnAnswers(_Asked(), list, OwnFrames(csv, SCHEMA), ModelInputs(SCHEMA, None))
    assert own.answers(ROWS, 0) == [str(2**53 + 1), "3"]
    (said,) = own.explain(ROWS[1:], 1)
    assert said == "'count' is 3 (int64) as the training reads it and is served as 3.0 (float64)"
