"""Rows as the DataFrame of a training: read by pandas from the reference itself, not by way of JSON and a schema.

Beside what is served it is the other way to the same rows. Where both lead to the same answers, nothing on the way of a
request changed them.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from model_runner.formats.frames import column_of
from model_runner.model import Row
from model_runner.schema.dtypes import EMPTY, MixedRowsError
from model_runner.schema.schema import Holds, InputSchema, Kind, Null

MOST_BYTES = 64_000_000
"""Of a file that is read a second time, within the memory that the model has."""
_PLAIN_KINDS = "iufb"
_READ = {"", "int64", "float64", "bool", EMPTY}
"""What pandas makes of a CSV by itself."""
_TIME = "M"
"""NumPy's letter for moments."""
_MOST_UNEQUAL = 0.5


class OwnFrames:
    """Frames of one model folder.

    Args:
        reference: the reference's file; None where there is none.
        schema: names the columns; None where they are those of the rows.
    """

    def __init__(self, reference: Path | None, schema: InputSchema | None) -> None:
        self._reference = reference
        self._features = {} if schema is None else {feature.name: feature for feature in schema.features}
        self.note = ""
        """Why rows of the reference are not as pandas reads them by itself; empty where they are."""
        self._unsure: list[str] | None = None
        """Columns of the reference that are made of the rows."""

    def forget(self) -> None:
        """Let go of the reference, which is read anew where somebody asks for it again."""
        self.__dict__.pop("_whole", None)

    def frame(self, rows: Sequence[Row], start: int | None) -> Any:
        """The rows as a DataFrame; those of the reference with its own types.

        Args:
            rows: at least one.
            start: which row of the reference is the first; None where they are none of it.

        Raises:
            ImportError: there is no pandas.
        """
        import pandas as pd  # noqa: PLC0415 - only who compares needs it

        names = list(self._features) or list(rows[0])

        def plain(some: Sequence[str]) -> Any:
            return pd.DataFrame({name: self._column(name, [row.get(name) for row in rows]) for name in some})

        whole = self._whole
        if whole is None:
            return plain(names)
        if not set(names) <= set(whole.columns):
            self.note = self.note or _as_we("pandas finds other columns in it")
            return plain(names)
        if start is None:
            return _typed_like(plain(names), whole[[name for name in names if not self._is_said(name)]])
        part = whole.iloc[start : start + len(rows)][names].reset_index(drop=True)
        if len(part) != len(rows):
            self.note = _as_we("pandas finds another number of rows in it")
            return plain(names)
        return self._joined(part, plain)

    def parts(self, rows: Sequence[Row], start: int | None) -> list[tuple[Sequence[int], Any]]:
        """The frames in which a training would have these rows, each with which of them it holds.

        Those of the reference are in one. Other rows that lack a value are beside those alone which lack the same:
        pandas would make floats of the others' whole numbers.
        """
        if start is not None:
            return [(range(len(rows)), self.frame(rows, start))]
        names = list(self._features) or list(rows[0])
        alike: dict[frozenset[str], list[int]] = {}
        for number, row in enumerate(rows):
            alike.setdefault(frozenset(name for name in names if row.get(name) is None), []).append(number)
        return [(numbers, self.frame([rows[number] for number in numbers], None)) for numbers in alike.values()]

    @cached_property
    def _whole(self) -> Any:
        """As a training would read it; None where pandas cannot."""
        import pandas as pd  # noqa: PLC0415 - as above

        if self._reference is None:
            return None
        if self._reference.stat().st_size > MOST_BYTES:
            self.note = _as_we(f"it is larger than {MOST_BYTES // 1_000_000} MB")
            return None
        read = pd.read_parquet if self._reference.suffix == ".parquet" else pd.read_csv
        try:
            whole = read(self._reference)
        except Exception as error:  # another dialect, or no library for it in the model's environment
            self.note = _as_we(f"pandas does not read it by itself ({type(error).__name__})")
            return None
        if not whole.columns.is_unique:
            self.note = _as_we("pandas finds a column twice in it")
            return None
        times = {name for name, each in self._features.items() if each.kind is Kind.DATETIME}
        return whole.assign(**{name: _moments(whole[name]) for name in times & set(whole.columns)})

    def _joined(self, part: Any, plain: Callable[[Sequence[str]], Any]) -> Any:
        """The file's own columns, but for text, of which pandas only guesses what it is.

        Which these are the first rows decide, which are the most: of one row alone nobody can tell, and of thousands
        of columns it takes long.
        """
        if self._unsure is None:
            rows = plain(list(part.columns))
            self._unsure = [name for name in part.columns if not self._is_sure(name, part[name], rows[name])]
        if not self._unsure:
            return part
        return part.assign(**dict(plain(self._unsure).items()))

    def _is_sure(self, name: str, column: Any, plain: Any) -> bool:
        return not self._is_said(name) and self._is_certain(name, column) and not _is_another(column, plain)

    def _is_certain(self, name: str, column: Any) -> bool:
        feature = self._features.get(name)
        is_text = feature is not None and feature.kind is Kind.CATEGORICAL and feature.holds is Holds.STRING
        kind = getattr(column.dtype, "kind", "O")
        return str(column.dtype) == "category" or kind == _TIME or (kind in _PLAIN_KINDS and not is_text)

    def _is_said(self, name: str) -> bool:
        """Whether tidegate.toml or the model says more of the column than pandas can read out of the file."""
        feature = self._features.get(name)
        if feature is None:
            return False
        is_typed = self._reference is not None and self._reference.suffix == ".parquet"
        is_declared = feature.dtype not in _READ and not is_typed
        return is_declared or feature.null in {Null.NONE, Null.NA}

    def _column(self, name: str, values: list[Any]) -> Any:
        import numpy as np  # noqa: PLC0415 - as above

        feature = self._features.get(name)
        if feature is not None and self._is_said(name):
            with suppress(MixedRowsError):
                return column_of(feature)(values)
        if feature is not None and feature.kind is Kind.DATETIME:
            return _moments(values)
        if feature is not None and feature.kind in {Kind.NUMERIC, Kind.BOOLEAN} and None in values:
            return np.array(values, dtype=float)  # a column of None alone would be one of objects
        if feature is None or feature.kind is not Kind.CATEGORICAL:
            return values
        # NaN is what pandas makes of an empty cell.
        return np.array([np.nan if value is None else value for value in values], dtype=object)


def _as_we(why: str) -> str:
    return f"the reference was compared as Tidegate reads it: {why}"


def _is_another(column: Any, other: Any) -> bool:
    """Whether these are not the same rows at all: then pandas has read the file in another way."""
    if getattr(column.dtype, "kind", "O") == _TIME:
        return False
    if str(column.dtype) == "category":
        column = column.astype(object)
    same = (column == other) | (column.isna() & other.isna())
    return bool((~same).mean() > _MOST_UNEQUAL)


def _typed_like(frame: Any, whole: Any) -> Any:
    """Each column in the type that the same column has there, where its values can be."""
    for name in whole.columns:
        dtype = whole[name].dtype
        if frame[name].dtype == dtype:
            continue
        if getattr(dtype, "kind", "O") == _TIME:
            frame[name] = _in_zone(frame[name], dtype)
            continue
        if str(dtype) != "category" and getattr(dtype, "kind", "O") not in _PLAIN_KINDS:
            continue
        if str(dtype) == "bool" and bool(frame[name].isna().any()):
            continue  # pandas would make False of it
        try:
            typed = frame[name].astype(dtype)
        except (TypeError, ValueError, OverflowError):
            continue
        if bool(((typed == frame[name]) | frame[name].isna()).all()) or str(dtype) == "category":
            frame[name] = typed
    return frame


def _moments(values: Any) -> Any:
    """Texts as moments, as pandas reads them when it is told that they are; what it cannot read stays text."""
    import pandas as pd  # noqa: PLC0415 - as above

    column = pd.Series(values)
    if getattr(column.dtype, "kind", "O") == _TIME:
        return column
    try:
        return pd.to_datetime(column, format="ISO8601")
    except (TypeError, ValueError, OverflowError):
        return column


def _in_zone(column: Any, dtype: Any) -> Any:
    """Moments as that column has them: with its zone or without one, where a text without any is in UTC."""
    if getattr(column.dtype, "kind", "O") != _TIME:
        return column
    zone = getattr(dtype, "tz", None)
    if zone is not None:
        aware = column.dt.tz_localize("UTC") if column.dt.tz is None else column
        return aware.dt.tz_convert(zone).astype(dtype)
    naive = column if column.dt.tz is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
    return naive.astype(dtype)
