"""Data files of a model folder are parsed in the sandbox alone: bombs meet its limit; whoever checks stays small."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from model_runner.checking.check import check_model
from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.own_files import OwnFiles, packed, read_own_files, unpacked
from tests.support.models import EXAMPLE, FEATURES, write_classifier

CHECK = """
import json, resource, sys
from pathlib import Path
from model_runner.errors import ModelError
from model_runner.checking.check import check_model
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    check_model(Path(sys.argv[1]))
    said = ["", "passed"]
except ModelError as error:
    said = [error.stage or "", str(error)]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([*said, grown, "pyarrow" in sys.modules]))
"""


def _checked(folder: Path) -> tuple[str, str]:
    """Stage and message, of a check in a process that neither grew nor loaded a parser."""
    command = [sys.executable, "-c", CHECK, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    stage, said, grown_kb, knows_arrow = json.loads(done.stdout)
    assert not knows_arrow
    assert grown_kb < 60_000, said
    return stage, said


def _parquet_bomb(folder: Path) -> None:
    """One value, twelve million times: some kilobytes."""
    column = pa.nulls(4_000_000, pa.float64())
    parquet.write_table(pa.table(dict.fromkeys(FEATURES, column)), folder / "reference.parquet", compression="zstd")
    assert (folder / "reference.parquet").stat().st_size < 100_000


def _wide_values(folder: Path) -> None:
    """Few rows, each of which unpacks to megabytes."""
    column = pa.array(["x" * 8_000_000] * 60, pa.large_string())
    parquet.write_table(pa.table({"price": column}), folder / "reference.parquet", compression="zstd")


def _no_parquet(folder: Path) -> None:
    (folder / "reference.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")


def _nested_json(folder: Path) -> None:
    (folder / "test_data.json").write_text('[{"price":' + "[" * 100_000 + "]" * 100_000 + "}]")


def _somewhat_nested_json(folder: Path) -> None:
    (folder / "test_data.json").write_text('[{"price":' + "[" * 100 + "]" * 100 + "}]")


def _large_json(folder: Path) -> None:
    (folder / "test_data.json").write_text("[" + ",".join(['{"price": "' + "x" * 100_000 + '"}'] * 300) + "]")


def _latin_json(folder: Path) -> None:
    (folder / "test_data.json").write_bytes(b'[{"price": "caf\xe9"}]')


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_parquet_bomb, "reference.parquet: has 4,000,000 rows of 3 columns; the most is 10,000,000 values"),
        (_no_parquet, "reference.parquet: cannot be read"),
        (_nested_json, "test_data.json: is not JSON"),
        (_somewhat_nested_json, "nested more than 32 levels deep"),
        (_large_json, "test_data.json: its rows have more than 16,000,000 bytes"),
        (_latin_json, "test_data.json: is not JSON"),
    ],
)
def test_a_bomb_in_a_data_file_is_refused_where_it_is_parsed(tmp_path: Path, spoil: object, says: str) -> None:
    folder = write_classifier(tmp_path)
    assert callable(spoil)
    spoil(folder)
    stage, said = _checked(folder)

    assert says in said
    assert stage == "check"


def test_a_parser_that_wants_more_than_the_model_may_have_is_told_so(tmp_path: Path) -> None:
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    folder = write_classifier(tmp_path, toml=f'[limits]\nmemory = "300MB"\n[features]\n{features}')
    _wide_values(folder)
    _, said = _checked(folder)

    assert "300 MB" in said
    assert "[limits] memory" in said


LIAR = """
import json

class Model:
    pass

def load(folder):
    return Model()

def predict(model, rows):
    {answer}
"""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("return ['x' * 40_000_000 for _ in rows]", "a frame of 800000"),
        (
            "deep = 1\n    for _ in range(100):\n        deep = [deep]\n    return [deep for _ in rows]",
            "deeper than 32",
        ),
    ],
)
def test_answers_that_no_model_gives_are_refused(tmp_path: Path, answer: str, says: str) -> None:
    (tmp_path / "predict.py").write_text(LIAR.format(answer=answer))
    (tmp_path / "tidegate.toml").write_text('name = "liar"\n[features]\nprice = "numeric"\n')
    (tmp_path / "test_data.json").write_text('[{"price": 1}, {"price": 2}]')
    _, said = _checked(tmp_path)

    assert says in said


def test_what_is_read_in_the_sandbox_is_what_was_there(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    columns = {"price": [1.5, 0.0, 2.0], "demand": [1, 2, 3], "transfer": [0.5, -1.0, 1e9]}
    parquet.write_table(pa.table(columns), folder / "reference.parquet")
    (folder / "tidegate.toml").write_text('name = "market"\n')
    report = check_model(folder)

    assert report.reference is not None
    assert report.reference.columns == columns
    assert report.test is not None
    assert report.test.rows == [EXAMPLE]
    assert report.inputs.schema is not None
    assert report.inputs.schema.source == "reference.parquet"


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_bytes_that_are_not_what_the_reader_wrote_are_refused_in_words(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever got out of the parser may write what they like to the pipe."""
    good = _good(tmp_path_factory)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    kind = data.draw(st.sampled_from(("flip", "cut", "insert", "twice")))
    if kind == "flip":
        bad[at] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del bad[at : at + data.draw(st.integers(1, 8))]
    elif kind == "insert":
        bad[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    else:
        bad[at:at] = bad[at : at + 20]
    try:
        found = unpacked(bytes(bad))
    except ModelError:
        return
    assert isinstance(found, OwnFiles)


_GOOD: list[bytes] = []


def _good(factory: pytest.TempPathFactory) -> bytes:
    if not _GOOD:
        folder = write_classifier(factory.mktemp("own"))
        parquet.write_table(pa.table({name: [1.0, 2.0] for name in FEATURES}), folder / "reference.parquet")
        _GOOD.append(packed(read_own_files(read_manifest(folder))))
        assert msgspec.msgpack.decode(_GOOD[0])["test"]["rows"] == [EXAMPLE]
    return _GOOD[0]


def test_what_is_read_without_pandas_is_what_is_read_with_it(tmp_path: Path) -> None:
    """A CSV: of Parquet pandas knows types of its own."""
    rows = [
        'whole;decimal;text;moment;when;truth;gaps;long;"quoted\nname"',
        '1;1,5;01067;2026-01-02 03:04:05.123456789;06:00;true;;12345678901234567890;"a\nb"',
        "2;2,25;NA;2026-01-03T03:04:05Z;07:00;False;NaN;1;None",
        "3;-0,1;ä;1999-12-31T00:00:00+01:00;;TRUE;7;9007199254740993;x",
    ]
    (tmp_path / "reference.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "test_data.json").write_text('[{"whole": 1, "text": "x", "gaps": null}]')
    declared = '[features]\nwhole = "numeric"\ntruth = "boolean"\nwhen = "categorical"\n'
    for toml in ("", '[reference]\ntimestamp = "moment"\n', f"[reference]\ntarget = 'whole'\n{declared}"):
        (tmp_path / "tidegate.toml").write_text(toml)
        (tmp_path / "model.ubj").touch()
        command = [sys.executable, "-m", "model_runner.folder.own_files", "--folder", str(tmp_path)]
        found = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
        assert found == packed(read_own_files(read_manifest(tmp_path, name="model"))), toml
    assert "pandas" in sys.modules, "here Arrow has it"
