"""The files that `tidegate predict` reads."""

import pytest

from tidegate.cli.exits import CliError, Exit
from tidegate.cli.rows import parse_rows

ROWS = [{"a": 1, "b": "x"}, {"a": 2.5, "b": None}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.json", '[{"a": 1, "b": "x"}, {"a": 2.5, "b": null}]'),
        ("r.json", '{"instances": [{"a": 1, "b": "x"}, {"a": 2.5, "b": null}]}'),
        ("r.ndjson", '{"a": 1, "b": "x"}\n\n{"a": 2.5, "b": null}\n'),
        ("-", '{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}'),
        ("r.csv", "a,b\n1,x\n2.5,\n"),
        ("-", "a,b\n1,x\n2.5,\n"),
    ],
)
def test_every_format_gives_the_same_rows(name: str, text: str) -> None:
    assert parse_rows(text, name) == ROWS


def test_one_object_is_one_row() -> None:
    assert parse_rows('{"a": 1}', "r.json") == [{"a": 1}]


def test_a_number_that_json_cannot_hold_stays_text() -> None:
    assert parse_rows("a,b\ninf,nan\n", "r.csv") == [{"a": "inf", "b": "nan"}]


def test_a_broken_line_is_named() -> None:
    with pytest.raises(CliError, match=r"r\.ndjson, line 2") as refused:
        parse_rows('{"a": 1}\n{"a": \n', "r.ndjson")
    assert refused.value.code is Exit.REFUSED


@pytest.mark.parametrize(("name", "text"), [("r.csv", "a,b\n"), ("r.json", "[]"), ("-", "")])
def test_no_rows_are_an_error(name: str, text: str) -> None:
    with pytest.raises(CliError, match="no rows"):
        parse_rows(text, name)
