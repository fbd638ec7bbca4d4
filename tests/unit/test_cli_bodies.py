"""How `tidegate predict` cuts a file into bodies, and what it writes beside it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tidegate.cli.exits import CliError
from tidegate.cli.rows.asking import bodies
from tidegate.cli.rows.predictions_file import check_target, write_predictions
from tidegate.cli.rows.rows import Row, Wanted, read_rows

ROWS = read_rows(b"id,a,b\n7,0.10,x\n8,,\n", "r.csv", Wanted({"a": ["number", "null"], "b": ["string", "null"]}, ["a"]))


def row(number: int, instance: Any) -> Row:
    return Row(f"line {number}", instance, {})


@given(st.lists(st.text(max_size=60), max_size=40), st.integers(1, 10), st.integers(500, 900))
def test_every_row_is_sent_once_in_order_and_no_body_is_too_large(texts: list[str], most: int, max_bytes: int) -> None:
    found = list(bodies((row(at, {"a": text}) for at, text in enumerate(texts)), max_bytes, most))
    assert [each["a"] for body in found for each in json.loads(body.encoded())["instances"]] == texts
    assert [place for body in found for place in body.places] == [f"line {at}" for at in range(len(texts))]
    assert all(len(body.encoded()) <= max_bytes and 0 < len(body.rows) <= most for body in found)


def test_a_row_that_fits_in_no_body_is_named() -> None:
    with pytest.raises(CliError, match=r"line 2 has 2,00. bytes as JSON; the most that a request may have is 1,000"):
        list(bodies([row(1, {"a": 1}), row(2, {"a": "x" * 2000})], 1000, 10))


@pytest.mark.parametrize(
    ("predictions", "columns"),
    [
        ([0.5, None], {"prediction": [0.5, None]}),
        (
            [{"class": "UP", "score": 0.5}, {"class": "DOWN", "score": 0.25}],
            {"prediction.class": ["UP", "DOWN"], "prediction.score": [0.5, 0.25]},
        ),
        ([[1, 2], [3, 4]], {"prediction.0": [1, 3], "prediction.1": [2, 4]}),
    ],
)
def test_predictions_stand_beside_what_they_were_made_of(
    tmp_path: Path, predictions: list[Any], columns: dict[str, list[Any]]
) -> None:
    for name in ("p.csv", "p.parquet"):
        write_predictions(str(tmp_path / name), ROWS, predictions)
    with (tmp_path / "p.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [each["id"] for each in found] == ["7", "8"]
    assert [each["b"] for each in found] == ["x", ""]
    for name, values in columns.items():
        assert [each[name] for each in found] == ["" if value is None else str(value) for value in values]
    table = parquet.read_table(tmp_path / "p.parquet").to_pydict()
    assert table == {"id": ["7", "8"], "a": [0.1, None], "b": ["x", None], **columns}


def test_values_of_several_types_are_written_as_text(tmp_path: Path) -> None:
    write_predictions(str(tmp_path / "p.parquet"), ROWS, ["x", 5])
    assert parquet.read_table(tmp_path / "p.parquet")["prediction"].to_pylist() == ["x", "5"]


@pytest.mark.parametrize(
    ("target", "columns", "says"),
    [
        ("p.xlsx", ["a"], "written as .csv or .parquet"),
        ("r.csv", ["a"], "the file with the rows"),
        ("nowhere/p.csv", ["a"], "no folder"),
        ("p.csv", ["a", "prediction.class"], "has a column 'prediction.class'"),
    ],
)
def test_a_file_that_could_not_be_written_is_refused_before_anything_is_asked(
    tmp_path: Path, target: str, columns: list[str], says: str
) -> None:
    with pytest.raises(CliError, match=says):
        check_target(str(tmp_path / target), str(tmp_path / "r.csv"), columns)
