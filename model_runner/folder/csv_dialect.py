"""What a CSV file is written in: its encoding, its separator, its decimal mark, each only where that is certain."""

import codecs
import csv
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from model_runner.errors import ModelError

MOST_BYTES = 1_000_000_000
"""Of a file's text once it is unpacked."""
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LOOKED_AT = 200
"""Records by which a separator is told."""
_NO_CSV = {
    b"PK\x03\x04": ("is an Excel workbook or a ZIP archive, not CSV", "Export it as CSV in UTF-8"),
    b"PAR1": ("is Parquet, not CSV", "Name it reference.parquet"),
    b"\xd0\xcf\x11\xe0": ("is an old Excel workbook, not CSV", "Export it as CSV in UTF-8"),
}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Csv:
    """A CSV file made plain."""

    content: bytes
    """UTF-8, without a mark."""
    separator: str
    header: list[str]
    notes: tuple[str, ...]
    """What it was read as, where that is not what CSV usually is."""


def read_csv_text(raw: bytes, file: str, encoding: str | None = None, separator: str | None = None) -> Csv:
    """The file's text, and how its cells are told apart.

    Args:
        raw: the file's bytes.
        file: its name, for errors.
        encoding: what tidegate.toml says it is in.
        separator: what tidegate.toml says is between its cells.

    Raises:
        ModelError: it is no CSV, or is in an encoding that cannot be told.
    """
    notes = []
    if raw.startswith(b"\x1f\x8b"):
        raw = _unpacked(raw, file)
        notes.append("unpacked from gzip")
    for magic, (problem, fix) in _NO_CSV.items():
        if raw.startswith(magic):
            raise ModelError(file, problem, fix)
    text, marked = _decoded(raw, file, encoding)
    if marked:
        notes.append(f"read as {marked}")
    found = separator or _separator(text)
    if found != ",":
        notes.append(f"its columns are separated by {_SEPARATORS.get(found, repr(found))}")
    header = next(_records(text, found), [])
    return Csv(text.encode(), found, header, tuple(notes))


def _unpacked(raw: bytes, file: str) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        found = unpacking.decompress(raw, MOST_BYTES)
    except zlib.error as error:
        raise ModelError(file, f"begins as gzip does and cannot be unpacked: {error}", "Save it again") from None
    if unpacking.unconsumed_tail:
        raise ModelError(file, f"has more than {MOST_BYTES:,} bytes once it is unpacked", "Take a sample of the rows")
    if not unpacking.eof:
        raise ModelError(file, "is gzip that ends too early", "Save it again")
    return found


def _decoded(raw: bytes, file: str, encoding: str | None) -> tuple[str, str]:
    """The text, and the encoding where that is not UTF-8."""
    if encoding is None:
        encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    if encoding is not None:
        try:
            return raw.decode(encoding).removeprefix("\ufeff"), encoding.upper()
        except UnicodeDecodeError as error:
            problem = f"is not {encoding.upper()}: byte {error.start} cannot be read"
            raise ModelError(file, problem, "Save it as UTF-8, or correct [reference] encoding") from None
    if b"\0" in raw:
        raise ModelError(file, "has zero bytes in it, as UTF-16 without a mark has", "Save it as UTF-8")
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        raise _no_utf8(raw, error.start, file) from None


def _no_utf8(raw: bytes, byte: int, file: str) -> ModelError:
    line = raw.count(b"\n", 0, byte) + 1
    around = raw[max(raw.rfind(b"\n", 0, byte) + 1, byte - 10) : byte + 10].split(b"\n")[0].decode("cp1252", "replace")
    fix = (
        f'Save it as UTF-8 (in pandas: to_csv(..., encoding="utf-8")). If {around.strip()!r} is what stands there, '
        '[reference] encoding = "latin-1" in tidegate.toml reads it as it is'
    )
    return ModelError(file, f"is not UTF-8: byte {raw[byte]:#04x} in line {line}", fix)


def _separator(text: str) -> str:
    """A comma, unless all records have as many cells by one of the others, and not so by commas."""
    if _is_even(text, ","):
        return ","
    even = [separator for separator in _SEPARATORS if _is_even(text, separator)]
    return even[0] if len(even) == 1 else ","


def _is_even(text: str, separator: str) -> bool:
    """Whether the records have the same number of cells, and several."""
    sizes = {len(record) for record in islice(_records(text, separator), _LOOKED_AT)}
    return len(sizes) == 1 and sizes.pop() > 1


def _records(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from (record for record in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if record)
    except csv.Error:  # a cell that is longer than this parser takes: the other one reads it
        return
