"""A reference as people's tools write CSV, and garbled: what is read is what was written, or it is refused."""

import csv
import gzip
import io
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import Reference, read_reference
from model_runner.schema.schema import Kind

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
codes = st.from_regex(
    r"0[0-9]{1,5}|\+[0-9]{2,9}|[0-9]{1,2}E[0-9]|[0-9]{20,25}|[0-2][0-9]:[0-5][0-9]|-00[0-9]", fullmatch=True
)
wholes = st.integers(-(2**63), 2**63 - 1)
reals = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = {
    "code": codes,
    "text": texts.map("t{}".format),
    "whole": wholes,
    "real": reals,
    "truth": st.booleans(),
}


def tables_of(rows: int) -> st.SearchStrategy[dict[str, list[Any]]]:
    columns = {name: st.lists(each, min_size=rows, max_size=rows) for name, each in COLUMNS.items()}
    return st.fixed_dictionaries(columns)


tables = st.integers(1, 5).flatmap(tables_of)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("csv")
    (made / "model.joblib").write_bytes(b"")
    return made


def written(table: dict[str, list[Any]], separator: str, quoting: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return out.getvalue()


def read(folder: Path, content: bytes, toml: str = "") -> Reference:
    (folder / "tidegate.toml").write_text(toml)
    (folder / "reference.csv").write_bytes(content)
    found = read_reference(read_manifest(folder, "m"))
    assert found is not None
    return found


def tried(folder: Path, content: bytes) -> Reference | ModelError:
    try:
        return read(folder, content)
    except ModelError as refusal:
        return refusal


def same(found: Any, wanted: Any) -> bool:
    """Text exactly; a number by its value, and of a whole one the last digit."""
    if isinstance(wanted, float):
        return isinstance(found, int | float) and math.isclose(found, wanted, rel_tol=0, abs_tol=0)
    return type(found) is type(wanted) and bool(found == wanted)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=tables,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    packed=st.booleans(),
)
def test_what_is_read_is_what_was_written(
    folder: Path, table: dict[str, list[Any]], separator: str, encoding: str, quoting: Any, packed: bool
) -> None:
    content = written(table, separator, quoting).encode(encoding)
    found = tried(folder, gzip.compress(content) if packed else content)
    if isinstance(found, ModelError) or len(found.columns) == 1:
        # The separator could not be told, so there is one column, which no model of five was fitted on.
        assert separator != ","
        return
    assert list(found.columns) == list(table)
    for name, values in table.items():
        assert all(same(got, want) for got, want in zip(found.columns[name], values, strict=True)), name


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(codes=st.lists(codes, min_size=1, max_size=5), numbers=st.lists(wholes, min_size=1, max_size=3))
def test_a_cell_that_no_number_is_written_as_keeps_its_whole_column_text(
    folder: Path, codes: list[str], numbers: list[int]
) -> None:
    cells = [*map(str, numbers), *codes]
    content = ("x,y\n" + "".join(f"{cell},1\n" for cell in cells)).encode()
    found = read(folder, content)
    assert found.columns["x"] == cells
    assert found.features[0].kind is Kind.CATEGORICAL
    declared = read(
        folder,
        ("x,y\n" + "".join(f"{cell},1\n" for cell in cells)).encode(),
        '[features]\nx="categorical"\ny="numeric"',
    )
    assert declared.columns["x"] == cells


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=tables,
    encoding=st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    changes=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_garbled_bytes_are_refused_in_words_or_read(
    folder: Path, table: dict[str, list[Any]], encoding: str, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(written(table, ",", csv.QUOTE_MINIMAL).encode(encoding, "replace"))
    for place, byte in changes:
        content[place % len(content)] = byte
    found = tried(folder, bytes(content))
    if isinstance(found, ModelError):
        assert found.problem
        assert found.fix
        return
    assert len({len(values) for values in found.columns.values()}) == 1
