"""The frame of a training beside what is served: where tidegate.toml or the model says more than pandas can read."""

from pathlib import Path

import pandas as pd

from model_runner.schema.schema import Feature, Holds, InputSchema, Kind, Null
from model_runner.serving.own_frames import OwnFrames

SCHEMA = InputSchema(
    features=(
        Feature(name="size", kind=Kind.NUMERIC, dtype="float32"),
        Feature(name="grade", kind=Kind.CATEGORICAL, holds=Holds.STRING, dtype="category", categories=("b", "a")),
        Feature(name="city", kind=Kind.CATEGORICAL, holds=Holds.STRING, null=Null.NONE),
        Feature(name="at", kind=Kind.DATETIME, dtype="datetime64[ns]"),
    ),
    source="tidegate.toml",
)


def test_declared_types_are_those_of_the_training_whatever_pandas_reads(tmp_path: Path) -> None:
    reference = tmp_path / "reference.csv"
    reference.write_text("size,grade,city,at\n0.1,a,x,2026-01-31T10:00:00\n0.2,b,,2026-01-31T11:00:00\n")
    rows = [
        {"size": 0.1, "grade": "a", "city": "x", "at": "2026-01-31T10:00:00"},
        {"size": 0.2, "grade": "b", "city": None, "at": "2026-01-31T11:00:00"},
    ]
    for start in (0, None):
        frame = OwnFrames(reference, SCHEMA).frame(rows, start)
        assert [str(dtype) for dtype in frame.dtypes] == ["float32", "category", "object", "datetime64[ns]"]
        assert list(frame["grade"].cat.categories) == ["b", "a"]
        assert frame["city"].tolist() == ["x", None]
        assert frame["at"].tolist() == [pd.Timestamp("2026-01-31T10:00:00"), pd.Timestamp("2026-01-31T11:00:00")]
