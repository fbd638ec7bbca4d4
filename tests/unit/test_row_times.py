"""The timestamp column of a reference: what it may hold, and what each mistake in it is told."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import Reference, read_reference
from model_runner.folder.row_times import read_times

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECONDS = NOON.timestamp()
TOML = '[reference]\ntimestamp = "at"\n'


def folder_with(tmp_path: Path, csv: str, toml: str = TOML) -> Path:
    (tmp_path / "model.joblib").write_bytes(b"")
    (tmp_path / "tidegate.toml").write_text(toml)
    (tmp_path / "reference.csv").write_text(csv)
    return tmp_path


def reference_of(folder: Path) -> Reference:
    reference = read_reference(read_manifest(folder))
    assert reference is not None
    return reference


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as raised:
        reference_of(folder)
    return str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00:00",
        "2026-01-31 12:00",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T12:00:00.000000",
        "20260131T120000Z",
        str(int(SECONDS)),
        repr(SECONDS),
    ],
)
def test_csv_times_are_text_or_seconds_and_utc_where_they_have_no_zone(tmp_path: Path, text: str) -> None:
    reference = reference_of(folder_with(tmp_path, f"a,at\n1,{text}\n2,\n3,{text}\n"))
    assert reference.times == [SECONDS, None, SECONDS]
    assert [feature.name for feature in reference.features] == ["a"], "it is no feature"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([NOON, None], pa.timestamp("ns", "UTC")),
        pa.array([NOON.replace(tzinfo=None), None], pa.timestamp("s")),
        pa.array([NOON.astimezone(timezone(timedelta(hours=-5))), None], pa.timestamp("ms", "-05:00")),
        pa.array(["2026-01-31T12:00:00Z", ""]).dictionary_encode(),
        pa.array([SECONDS, float("nan")]),
        pa.array([Decimal(int(SECONDS)), None]),
    ],
    ids=lambda column: str(column.type),
)
def test_arrow_columns_of_any_time(tmp_path: Path, column: Any) -> None:
    folder = folder_with(tmp_path, "")
    (folder / "reference.csv").unlink()
    parquet.write_table(pa.table({"a": [1.0, 2.0], "at": column}), folder / "reference.parquet")
    assert reference_of(folder).times == [SECONDS, None]


@pytest.mark.parametrize(
    ("csv", "says"),
    [
        ("a,att\n1,2026-01-31T12:00:00Z\n", ["'at'", "reference.csv lacks", "Did you mean 'att'?"]),
        ("a,at\n1,2026-01-31T12:00Z\n2,noon\n", ["'noon' in row 2", "no ISO 8601 time", "2026-01-31T10:00:00Z"]),
        ("a,at\n1,2026-01-31\n", ["row 1", "a date without a time of day"]),
        ("a,at\n1,2026-01-31\n2,noon\n", ["'2026-01-31' in row 1", "a date without a time of day"]),
        (f"a,at\n1,{int(SECONDS * 1000)}\n", ["row 1", "seconds since the epoch"]),
        ("a,at\n1,inf\n", ["row 1", "seconds since the epoch"]),
        ("a,at\n1,true\n", ["row 1", "no time"]),
        ("a,at\n1,12:00:00\n", ["row 1", "no ISO 8601 time"]),
        ("a,at\n1,\n2,\n", ["column 'at' is empty"]),
    ],
)
def test_what_is_no_time_is_named(tmp_path: Path, csv: str, says: list[str]) -> None:
    told = refusal(folder_with(tmp_path, csv))
    for text in says:
        assert text in told


def test_a_column_of_times_alone_is_no_reference(tmp_path: Path) -> None:
    assert "no feature columns" in refusal(folder_with(tmp_path, "at\n2026-01-31T12:00:00Z\n"))


def test_without_the_key_nothing_is_read_as_times(tmp_path: Path) -> None:
    reference = reference_of(folder_with(tmp_path, f"a,at\n1,{int(SECONDS)}\n", toml=""))
    assert reference.times is None
    assert [feature.name for feature in reference.features] == ["a", "at"]


def test_a_time_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ModelError, match="out of range"):
        read_times(pa.array([2**62], pa.timestamp("s")), "at", "reference.parquet")
