"""The files that `tidegate predict` reads, as spreadsheets and libraries write them."""

import gzip
import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from tidegate.cli.exits import CliError, Exit
from tidegate.cli.rows.rows import Rows, Wanted, read_rows

ROWS = [{"a": 1, "b": "x"}, {"a": 2.5, "b": None}]
TYPES = {"spend": ["number", "null"], "active": ["boolean", "null"], "branch": ["string", "null"]}
WANTED = Wanted(TYPES, list(TYPES))
FRAME = pd.DataFrame({"spend": [1.5, None, 1e-07], "active": [True, False, True], "branch": ["0042", "0107", "NA"]})
SENT = [
    {"spend": 1.5, "active": True, "branch": "0042"},
    {"spend": None, "active": False, "branch": "0107"},
    {"spend": 1e-07, "active": True, "branch": "NA"},
]


def read(content: str | bytes, name: str = "r.csv", wanted: Wanted | None = None) -> Rows:
    return read_rows(content if isinstance(content, bytes) else content.encode(), name, wanted or Wanted())


def instances(content: str | bytes, name: str = "r.csv", wanted: Wanted | None = None) -> list[Any]:
    rows = read(content, name, wanted)
    found = [row.instance for row in rows.read()]
    assert len(found) == rows.count
    assert found == [row.instance for row in rows.read()], "as often as they are asked for"
    return found


def refusal(content: str | bytes, name: str = "r.csv", wanted: Wanted | None = None) -> str:
    with pytest.raises(CliError) as refused:
        list(read(content, name, wanted).read())
    assert refused.value.code is Exit.REFUSED
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.json", '[{"a": 1, "b": "x"}, {"a": 2.5, "b": null}]'),
        ("r.json", '\ufeff{"instances": [{"a": 1, "b": "x"}, {"a": 2.5, "b": null}]}'),
        ("r.ndjson", '{"a": 1, "b": "x"}\n\n{"a": 2.5, "b": null}\n'),
        ("-", '{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}'),
        ("-", "a,b\n1,x\n2.5,\n"),
        ("r.csv", "a,b\n1,x\n2.5,\n"),
        ("r.tsv", "a\tb\n1\tx\n2.5\t\n"),
        ("r.csv", "\ufeffa;b\r\n1;x\r\n2.5;\r\n"),
    ],
)
def test_every_format_gives_the_same_rows(name: str, text: str) -> None:
    assert instances(text, name) == ROWS


def test_parquet_gives_what_it_holds() -> None:
    out = io.BytesIO()
    FRAME.to_parquet(out)
    assert instances(out.getvalue(), "r.parquet", WANTED) == SENT


@pytest.mark.parametrize(
    "write",
    [
        lambda: FRAME.to_csv(index=False).encode(),
        lambda: FRAME.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig"),
        lambda: FRAME.to_csv(index=False, na_rep="nan").encode(),
        lambda: FRAME.to_csv(index=False, na_rep="NULL").encode("utf-16"),
        lambda: FRAME.to_csv(index=False, sep=";", decimal=",").encode(),
        lambda: gzip.compress(FRAME.to_csv(index=False).encode()),
        lambda: FRAME.astype({"active": int}).to_csv(index=False, columns=["branch", "active", "spend"]).encode(),
        lambda: FRAME.assign(active=["TRUE", "FALSE", " true"]).to_csv(index=False).encode(),
    ],
    ids=["pandas", "excel", "nan", "utf-16", "semicolons", "gzip", "ones and zeros", "upper case"],
)
def test_cells_are_what_the_model_asks_for(write: Callable[[], bytes]) -> None:
    assert instances(write(), "r.csv", WANTED) == SENT


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("spend", "1_000", "'1_000' is no number"),
        ("spend", "abc", "'abc' is no number"),
        ("spend", "inf", "'inf' is no number"),
        ("spend", "1e999", "beyond what a number can be"),
        ("spend", "1,5", "'1,5' is no number"),
        ("active", "yes", "'yes' is neither true nor false"),
        ("active", "2", "neither true nor false"),
    ],
)
def test_a_cell_that_is_none_is_named_with_its_place(column: str, cell: str, says: str) -> None:
    cells = {"spend": "1", "active": "true", "branch": "x", column: f'"{cell}"'}
    message = refusal(f"spend,active,branch\n1,true,x\n\n{','.join(cells.values())}\n", wanted=WANTED)
    assert message.startswith(f"r.csv, line 4, column {column}: ")
    assert says in message


def test_columns_that_are_no_features_are_left_out_and_said() -> None:
    rows = read("id,spend,active,branch\n7,1,true,x\n", wanted=WANTED)
    (row,) = rows.read()
    assert (row.instance, row.beside) == ({"spend": 1, "active": True, "branch": "x"}, {"id": "7"})
    assert rows.notes == ["not sent, as the model has no such features: id"]


def test_a_feature_that_is_not_there_is_named_before_anything_is_sent() -> None:
    assert "lacks what the model asks for: spend. Is it 'Spend'?" in refusal("Spend,active,branch\n", wanted=WANTED)
    optional = Wanted(TYPES, ["spend"])
    assert instances("spend\n1\n", wanted=optional) == [{"spend": 1}]


@pytest.mark.parametrize("content", ["a,b,a\n1,2,3\n", "a,b\n1,2,3\n", "a,b\n1\n", 'a,b\n1,"2\n'])
def test_what_cannot_be_a_table_is_refused(content: str) -> None:
    assert refusal(content)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "", "-30"], [1, None, -30]),
        (["0042", "7"], ["0042", "7"]),
        (["12E4", "7"], ["12E4", "7"]),
        (["1.5", "x"], ["1.5", "x"]),
        (["1234567890123456789012", "7"], ["1234567890123456789012", "7"]),
    ],
)
def test_a_category_of_any_kind_is_a_number_only_where_nothing_is_lost(cells: list[str], values: list[Any]) -> None:
    wanted = Wanted({"a": ["string", "number", "boolean", "null"], "b": ["number"]}, ["a"])
    content = "a,b\n" + "".join(f"{cell},0\n" for cell in cells)
    assert [row["a"] for row in instances(content, wanted=wanted)] == values


def test_without_a_schema_a_column_is_one_thing_as_a_whole() -> None:
    found = instances("a,b,c,d\n1.5,True,0042,inf\n2,False,7,nan\n")
    assert found == [{"a": 1.5, "b": True, "c": "0042", "d": "inf"}, {"a": 2, "b": False, "c": "7", "d": "nan"}]


def test_one_object_is_one_row() -> None:
    assert instances('{"a": 1}', "r.json") == [{"a": 1}]


def test_what_python_writes_as_nan_is_missing_and_nothing_else_is_taken_silently() -> None:
    assert instances('[{"a": NaN}]', "r.json") == [{"a": None}]
    for content in ('{"a": Infinity}', '{"a": 1e999}', '{"a": 1, "a": 2}', '{"a": 1}\n{"a": 1, "a": 2}'):
        refusal(content, "r.json")


def test_a_broken_line_is_named() -> None:
    assert "r.ndjson, line 2" in refusal('{"a": 1}\n{"a": \n', "r.ndjson")


@pytest.mark.parametrize(("name", "text"), [("r.csv", "a,b\n"), ("r.json", "[]"), ("-", "")])
def test_no_rows_are_an_error(name: str, text: str) -> None:
    assert "no rows" in refusal(text, name)
