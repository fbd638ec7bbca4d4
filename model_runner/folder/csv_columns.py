"""What the cells of a CSV file are: what was declared, and otherwise numbers only where nothing is lost by it.

`01067`, `+49`, `12E4` and numbers of more digits than their type holds stay text, as do dates and times: a column is
text as a whole, or not at all.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from model_runner.errors import ModelError
from model_runner.folder.toml_file import TOML_FILE
from model_runner.schema.dtypes import EMPTY, LARGEST_EXACT, TEXT
from model_runner.schema.schema import Feature, Holds, Kind

_MISSING = [
    *("NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
]
"""Where numbers stand, these are missing values, as to pandas. Among text they are text."""
_WHOLE = r"-?(?:0|[1-9][0-9]*)"
_DECIMAL = r"-?(?:0|[1-9][0-9]*)?\.[0-9]*"
_EXPONENT = r"-?[0-9](?:\.[0-9]*[eE][-+]?|[eE][-+])[0-9]+"
"""As libraries write floats (1e-05, 1.5E10): with a point or the exponent's sign. `12E4` is an article's number."""
_COMMA = r"-?(?:0|[1-9][0-9]*),[0-9]+"
_ANY_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_INFINITE = r"[-+]?(?:inf|Inf|INF|infinity|Infinity)"
_DIGITS = 17
"""Significant ones: as many tell every double apart."""
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


class Cells:
    """The cells of one column, as text."""

    def __init__(self, column: Any, name: str, file: str, decimal: str = ".") -> None:
        self.text = column
        self.name = name
        self.file = file
        trimmed = pc.utf8_trim_whitespace(column)
        if decimal != ".":
            plain = pc.replace_substring(trimmed, pattern=decimal, replacement=".", max_replacements=1)
            trimmed = pc.if_else(pc.match_substring_regex(trimmed, f"^[-+]?[0-9]*{decimal}[0-9]+$"), plain, trimmed)
        self.is_empty = pc.equal(trimmed, "")
        self.trimmed = pc.if_else(pc.or_(self.is_empty, pc.is_in(trimmed, pa.array(_MISSING))), None, trimmed)

    def all_match(self, pattern: str) -> bool:
        """Whether all cells in which a value stands are of this form; False where none does."""
        present = self.trimmed.drop_null()
        return bool(len(present)) and bool(pc.all(pc.match_substring_regex(present, f"^(?:{pattern})$")).as_py())

    def first_other(self, pattern: str) -> tuple[int, str] | None:
        """Row, from 1, and text of the first cell that is of another form."""
        matching = pc.fill_null(pc.match_substring_regex(self.trimmed, f"^(?:{pattern})$"), fill_value=True)
        row = pc.index(matching, value=False).as_py()
        return None if row < 0 else (row + 1, self.text[row].as_py())

    @property
    def has_missing(self) -> bool:
        return bool(self.trimmed.null_count)


def has_decimal_commas(columns: Sequence[Any]) -> bool:
    """Whether the numbers in these columns of text are written 1,5: some certainly are, and none is written 1.5."""
    found = False
    for column in columns:
        cells = Cells(column, "", "")
        if cells.all_match(_DECIMAL):
            return False
        if cells.all_match(f"{_WHOLE}|{_COMMA}"):
            # 1,234 may be a thousand and more.
            found = found or not cells.all_match(f"{_WHOLE}|-?[0-9]{{1,3}},[0-9]{{3}}")
    return found


def observed(cells: Cells) -> tuple[Feature, list[Any]]:
    """What a column of which nothing was declared is, and its values."""
    if pc.all(cells.is_empty).as_py():
        return Feature(name=cells.name, kind=Kind.CATEGORICAL, dtype=EMPTY), [None] * len(cells.text)
    numbers = _whole(cells) or _decimal(cells)
    if numbers is not None:
        dtype, values = numbers
        return Feature(name=cells.name, kind=Kind.NUMERIC, dtype=dtype), values
    if cells.all_match("|".join(_TRUE + _FALSE)):
        return _truth(cells)
    return Feature(name=cells.name, kind=Kind.CATEGORICAL, holds=Holds.STRING), texts(cells)


def as_declared(cells: Cells, declared: Feature) -> tuple[Feature, list[Any]]:
    """The column as tidegate.toml declares it. The feature has the dtype that was found, where none was declared.

    Raises:
        ModelError: a cell is nothing of the kind.
    """
    if declared.kind is Kind.NUMERIC:
        return _typed(declared, *_declared_numbers(cells))
    if declared.kind is Kind.BOOLEAN:
        return _declared_truth(cells, declared)
    if declared.kind is Kind.CATEGORICAL and declared.dtype not in TEXT and declared.holds is not Holds.STRING:
        labels = _whole(cells)
        if labels is not None:
            return _typed(declared, *labels)
    values = texts(cells)
    if declared.kind is Kind.DATETIME:
        _refuse_no_time(cells, values)
    return declared, values


def _refuse_no_time(cells: Cells, values: Sequence[Any]) -> None:
    for row, text in enumerate(values, start=1):
        try:
            datetime.fromisoformat(text or "2026-01-31")
        except ValueError:
            raise _wrong(cells, row, text, "time (2026-01-31T10:00:00Z)") from None


def texts(cells: Cells) -> list[Any]:
    """The cells as they stand there; an empty one is missing."""
    return list(pc.if_else(cells.is_empty, None, cells.text).to_pylist())


def missing_word(cells: Cells) -> str | None:
    """The first cell that pandas would take for a missing value; None where there is none."""
    found = cells.text.filter(pc.is_in(cells.text, pa.array(_MISSING)))
    return found[0].as_py() if len(found) else None


def _typed(declared: Feature, dtype: str, values: list[Any]) -> tuple[Feature, list[Any]]:
    return (declared if declared.dtype else replace(declared, dtype=dtype)), values


def _whole(cells: Cells) -> tuple[str, list[Any]] | None:
    """Whole numbers that nothing is lost of; None where a cell is something else."""
    if not cells.all_match(_WHOLE):
        return None
    try:
        found = pc.cast(cells.trimmed, pa.int64())
    except pa.ArrowInvalid:  # more digits than it holds
        return None
    if not cells.has_missing:
        return "int64", found.to_pylist()
    # Beside missing values pandas has floats.
    if max(abs(bound) for bound in pc.min_max(found).as_py().values()) > LARGEST_EXACT:
        return None
    return "float64", found.to_pylist()


def _decimal(cells: Cells) -> tuple[str, list[Any]] | None:
    """None also where all are whole numbers: they have more digits than an integer then."""
    are_numbers = cells.all_match(f"{_WHOLE}|{_DECIMAL}|{_EXPONENT}|{_INFINITE}") and not cells.all_match(_WHOLE)
    return ("float64", _floats(cells)) if are_numbers and not _is_too_long(cells) else None


def _is_too_long(cells: Cells) -> bool:
    """Whether a cell has more digits than a float holds."""
    long = cells.trimmed.filter(pc.greater_equal(pc.utf8_length(cells.trimmed), _DIGITS - 1))
    return any(_significant(text) > _DIGITS or _is_inexact(text) for text in long.to_pylist())


def _is_inexact(text: str) -> bool:
    """Of a whole number among others."""
    return re.fullmatch(_WHOLE, text) is not None and int(float(text)) != int(text)


def _significant(text: str) -> int:
    mantissa = re.split("[eE]", text)[0]
    digits = mantissa.replace(".", "").lstrip("-+0")
    return len(digits.rstrip("0"))


def _floats(cells: Cells) -> list[Any]:
    """Infinity is a missing value: JSON has none."""
    found = pc.cast(pc.utf8_ltrim(cells.trimmed, "+"), pa.float64())
    return list(pc.if_else(pc.is_finite(found), found, None).to_pylist())


def _declared_numbers(cells: Cells) -> tuple[str, list[Any]]:
    """Leading zeros, signs and exponents are what they are in numbers."""
    other = cells.first_other(f"{_ANY_NUMBER}|{_INFINITE}")
    if other is not None:
        raise _wrong(cells, *other, "number")
    found = _whole(cells)
    if found is not None:
        return found
    if not cells.has_missing and cells.all_match("[-+]?[0-9]+"):
        try:
            return "int64", pc.cast(pc.utf8_ltrim(cells.trimmed, "+"), pa.int64()).to_pylist()
        except pa.ArrowInvalid:
            problem = f"column {cells.name!r} is declared numeric and has whole numbers of more than 64 bits"
            raise ModelError(cells.file, problem, f'Declare it "categorical" in {TOML_FILE}') from None
    return "float64", _floats(cells)


def _truth(cells: Cells) -> tuple[Feature, list[Any]]:
    values = pc.is_in(cells.trimmed, pa.array(_TRUE)).to_pylist()
    if not cells.has_missing:
        return Feature(name=cells.name, kind=Kind.BOOLEAN, dtype="bool"), values
    missing = cells.trimmed.is_null().to_pylist()
    values = [None if absent else value for absent, value in zip(missing, values, strict=True)]
    return Feature(name=cells.name, kind=Kind.BOOLEAN, dtype="object"), values


def _declared_truth(cells: Cells, declared: Feature) -> tuple[Feature, list[Any]]:
    known = {**dict.fromkeys((*_TRUE, "1", "1.0"), True), **dict.fromkeys((*_FALSE, "0", "0.0"), False)}
    other = cells.first_other("|".join(map(re.escape, known)))
    if other is not None:
        raise _wrong(cells, *other, "truth (true, false)")
    values = [None if text is None else known[text] for text in cells.trimmed.to_pylist()]
    return _typed(declared, "object" if cells.has_missing else "bool", values)


def _wrong(cells: Cells, row: int, text: str, wanted: str) -> ModelError:
    problem = f"column {cells.name!r} is declared as {wanted}, row {row} has {text[:60]!r}"
    return ModelError(cells.file, problem, f"Correct that row, or [features] in {TOML_FILE}")
