"""How a reference's CSV is read: dialects where they are certain, and what its cells are."""

import codecs
import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import Reference, read_reference
from model_runner.schema.schema import Feature, Kind


def read(folder: Path, content: bytes | str, toml: str = "", name: str = "reference.csv") -> Reference:
    (folder / "model.joblib").write_bytes(b"")
    (folder / "tidegate.toml").write_text(toml, encoding="utf-8")
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = read_reference(read_manifest(folder, "m"))
    assert found is not None
    return found


def column(folder: Path, cells: list[str], declared: str = "") -> tuple[Feature, list[Any]]:
    toml = f'[features]\ny = "numeric"\nx = {declared}\n' if declared else ""
    found = read(folder, "x,y\n" + "".join(f"{cell},1\n" for cell in cells), toml)
    return found.features[0], found.columns["x"]


@pytest.mark.parametrize(
    ("cells", "kind", "dtype", "values"),
    [
        (["3", "-5", "0"], Kind.NUMERIC, "int64", [3, -5, 0]),
        (["3", "", "NA"], Kind.NUMERIC, "float64", [3, None, None]),
        ([str(2**62 + 1), "7"], Kind.NUMERIC, "int64", [2**62 + 1, 7]),
        ([str(2**53 + 1), ""], Kind.CATEGORICAL, "", [str(2**53 + 1), None]),
        ([str(2**63), "7"], Kind.CATEGORICAL, "", [str(2**63), "7"]),
        (["0.5", str(2**53 + 1)], Kind.CATEGORICAL, "", ["0.5", str(2**53 + 1)]),
        (["1.5", "1e-05", "-2.5E+10", ".5", "3"], Kind.NUMERIC, "float64", [1.5, 1e-05, -2.5e10, 0.5, 3.0]),
        (["0.1234567890123456789", "1"], Kind.CATEGORICAL, "", ["0.1234567890123456789", "1"]),
        (["01067", "4109"], Kind.CATEGORICAL, "", ["01067", "4109"]),
        (["12E4", "7E10"], Kind.CATEGORICAL, "", ["12E4", "7E10"]),
        (["+491701", "3"], Kind.CATEGORICAL, "", ["+491701", "3"]),
        (["0x1F"], Kind.CATEGORICAL, "", ["0x1F"]),
        (["1_000"], Kind.CATEGORICAL, "", ["1_000"]),
        (["06:00", "14:00"], Kind.CATEGORICAL, "", ["06:00", "14:00"]),
        (["2026-01-31", "2026-01-31T10:00:00Z"], Kind.CATEGORICAL, "", ["2026-01-31", "2026-01-31T10:00:00Z"]),
        (["True", "false"], Kind.BOOLEAN, "bool", [True, False]),
        (["True", ""], Kind.BOOLEAN, "object", [True, None]),
        (["NA", "DE", ""], Kind.CATEGORICAL, "", ["NA", "DE", None]),
        (['"a\nb"', '"say ""x"""'], Kind.CATEGORICAL, "", ["a\nb", 'say "x"']),
        (["", ""], Kind.CATEGORICAL, "null", [None, None]),
    ],
)
def test_cells_are_numbers_only_where_nothing_is_lost(
    tmp_path: Path, cells: list[str], kind: Kind, dtype: str, values: list[Any]
) -> None:
    feature, found = column(tmp_path, cells)
    assert (feature.kind, feature.dtype, found) == (kind, dtype, values)


@pytest.mark.parametrize(
    ("declared", "cells", "dtype", "values"),
    [
        ('"numeric"', ["01067", "+4"], "int64", [1067, 4]),
        ('"numeric"', ["12E4", ""], "float64", [120000.0, None]),
        ('"categorical"', ["06:00", "true"], "", ["06:00", "true"]),
        ('"categorical"', ["3", "7"], "int64", [3, 7]),
        ('{ type = "categorical", categories = ["3", "7"] }', ["3", "7"], "", ["3", "7"]),
        ('{ type = "categorical", dtype = "str" }', ["3", "7"], "str", ["3", "7"]),
        ('{ type = "numeric", dtype = "float32" }', ["3", "7"], "float32", [3, 7]),
        ('"categorical"', ["", ""], "", [None, None]),
        ('"numeric"', ["", ""], "float64", [None, None]),
        ('"boolean"', ["1", "0", ""], "object", [True, False, None]),
        ('"datetime"', ["2026-01-31T10:00:00"], "", ["2026-01-31T10:00:00"]),
    ],
)
def test_what_is_declared_rules_the_reading(
    tmp_path: Path, declared: str, cells: list[str], dtype: str, values: list[Any]
) -> None:
    feature, found = column(tmp_path, cells, declared)
    assert (feature.dtype, found) == (dtype, values)


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ('"numeric"', ["declared as number, row 2 has 'abc'", "Correct that row"]),
        ('"boolean"', ["declared as truth (true, false), row 1 has '3'"]),
        ('"datetime"', ["declared as time (2026-01-31T10:00:00Z), row 1 has '3'"]),
        ('{ type = "numeric", dtype = "int" }', ["no dtype is called 'int'", "int64"]),
        ('{ type = "categorical", dtype = "category" }', ["needs its categories"]),
    ],
)
def test_a_cell_that_is_not_as_declared_is_named(tmp_path: Path, declared: str, says: list[str]) -> None:
    with pytest.raises(ModelError) as raised:
        column(tmp_path, ["3", "abc"], declared)
    assert all(text in str(raised.value) for text in says), str(raised.value)


TOWNS = "größe,ort\n171.5,Köln\n180.25,Düren\n"
WANTED = {"größe": [171.5, 180.25], "ort": ["Köln", "Düren"]}


@pytest.mark.parametrize(
    ("content", "toml", "notes"),
    [
        (TOWNS.encode("utf-8-sig"), "", []),
        (TOWNS.encode("utf-16"), "", ["UTF-16"]),
        (codecs.BOM_UTF16_BE + TOWNS.encode("utf-16-be"), "", ["UTF-16"]),
        (TOWNS.encode("utf-32"), "", ["UTF-32"]),
        (TOWNS.encode("latin-1"), '[reference]\nencoding = "latin-1"\n', ["ISO8859-1"]),
        (gzip.compress(TOWNS.encode(), mtime=0), "", ["gzip"]),
        (TOWNS.replace(",", ";").encode(), "", ["semicolons"]),
        (TOWNS.replace(",", "\t").encode(), "", ["tabs"]),
        (TOWNS.replace(",", ";").replace(".", ",").encode(), "", ["semicolons", "decimal commas"]),
        (TOWNS.replace(",", "~").encode(), '[reference]\nseparator = "~"\n', ["'~'"]),
        (TOWNS.replace("\n", "\r\n").encode(), "", []),
        (TOWNS.replace("\n", "\n\n").encode(), "", []),
    ],
)
def test_a_dialect_is_read_where_it_is_certain_and_said(
    tmp_path: Path, content: bytes, toml: str, notes: list[str]
) -> None:
    found = read(tmp_path, content, toml)
    assert found.columns == WANTED
    assert len(found.notes) == len(notes)
    assert all(word in note for word, note in zip(notes, found.notes, strict=True))


def test_gzip_may_say_so_in_its_name(tmp_path: Path) -> None:
    assert read(tmp_path, gzip.compress(TOWNS.encode(), mtime=0), name="reference.csv.gz").columns == WANTED


@pytest.mark.parametrize(
    ("content", "toml", "says"),
    [
        (TOWNS.encode("latin-1"), "", ["is not UTF-8: byte 0xf6 in line 1", "'größe,ort'", 'encoding = "latin-1"']),
        (TOWNS.encode("utf-16-le"), "", ["zero bytes"]),
        (TOWNS.encode(), '[reference]\nencoding = "klingon"\n', ["no encoding is called 'klingon'", "latin-1"]),
        (TOWNS.encode(), '[reference]\nencoding = "ascii"\n', ["is not ASCII: byte 2", "[reference] encoding"]),
        (TOWNS.encode(), '[reference]\nencoding = "base64"\n', ["no encoding is called 'base64'"]),
        (b"PK\x03\x04 and so on", "", ["Excel workbook", "Export it as CSV"]),
        (b"PAR1 and so on", "", ["reference.parquet"]),
        (gzip.compress(TOWNS.encode(), mtime=0)[:-9], "", ["gzip"]),
        (b"", "", ["no rows"]),
        (b"\n\n", "", ["no rows"]),
        (b"a,b\n1,2,3\n", "", ["cannot be read", "header"]),
        (b'a,b\n"1,2\n', "", ["reference.csv"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_fix(
    tmp_path: Path, content: bytes, toml: str, says: list[str]
) -> None:
    with pytest.raises(ModelError) as raised:
        read(tmp_path, content, toml)
    assert all(text in str(raised.value) for text in says), str(raised.value)


def test_an_english_thousand_is_no_decimal_comma(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1,234;x\n5,678;y\n").columns["a"] == ["1,234", "5,678"]
    assert read(tmp_path, "a;b\n1,234;1.5\n5,6;2.5\n").columns["a"] == ["1,234", "5,6"]
    declared = read(tmp_path, "a;b\n1,234;x\n5,678;y\n", '[reference]\ndecimal = ","\n')
    assert declared.columns["a"] == [1.234, 5.678]


def test_parquet_keeps_the_types_of_its_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "i": pd.Series([1, 2], dtype="int32"),
            "n": pd.array([2**53 + 1, None], dtype="Int64"),
            "f": pd.Series([0.5, None], dtype="float32"),
            "c": pd.Categorical(["b", None], categories=["b", "a"], ordered=True),
            "t": ["x", None],
            "s": pd.array(["x", None], dtype="string"),
            "b": [True, False],
            "m": pd.Series([True, None], dtype=object),
            "d": pd.to_datetime(["2026-01-31T10:00:00", None]).tz_localize("Europe/Berlin").as_unit("ns"),
            "e": [None, None],
        }
    )
    frame.to_parquet(tmp_path / "reference.parquet")
    found = read(tmp_path, b"", name="unused")
    assert {each.name: each.dtype for each in found.features} == {
        "i": "int32",
        "n": "Int64",
        "f": "float32",
        "c": "category",
        "t": "",
        "s": "string",
        "b": "bool",
        "m": "object",
        "d": "datetime64[ns, Europe/Berlin]",
        "e": "null",
    }
    known = {each.name: each for each in found.features}
    assert (known["c"].categories, known["c"].ordered) == (("b", "a"), True)
    assert found.columns["d"] == ["2026-01-31T09:00:00Z", None]
    assert found.columns["n"] == [2**53 + 1, None]


def test_parquet_with_a_column_twice_is_refused(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["age", "age"])
    parquet.write_table(twice, tmp_path / "reference.parquet")
    with pytest.raises(ModelError, match="has the column 'age' twice"):
        read(tmp_path, b"", name="unused")


def test_what_pandas_takes_for_missing_among_text_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, "country,n\nNA,1\nDE,NA\n,3\n")
    assert found.columns["country"] == ["NA", "DE", None]
    assert ["'country' has 'NA' among its text" in note for note in found.notes] == [True]
    assert read(tmp_path, "country,n\nNA,1\n", '[features]\ncountry = "categorical"\nn = "numeric"\n').notes == ()
