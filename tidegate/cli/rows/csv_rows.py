"""Rows of a CSV file: whatever spreadsheets and libraries write, each column read as what the model asks for."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from model_runner.errors import ModelError
from model_runner.folder.csv_dialect import Csv, read_csv_text
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.rows.cells import Commas, Looks, Read, converter, read_as, wrong_cell
from tidegate.cli.rows.rows import Row, Rows, Wanted, listed

_LONGEST_CELL = 100_000_000


def csv_rows(raw: bytes, name: str, wanted: Wanted) -> Rows:
    """
    Raises:
        CliError: it is no CSV, its rows are of other lengths than its header, or a feature is not in it.
    """
    try:
        found = read_csv_text(raw, name, separator="\t" if name.endswith(".tsv") else None)
    except ModelError as error:
        raise CliError(f"{name} {error.problem}. Save it as CSV in UTF-8.", Exit.REFUSED) from error
    text = found.content.decode()
    left_out = wanted.left_out(found.header, name)
    columns = _Columns(found, wanted, left_out)
    count = 0
    for _, cells in _records(text, found, name):
        count += 1
        columns.look(cells)
    notes = [*found.notes, *(["its numbers have decimal commas"] if columns.decimal == "," else [])]
    if left_out:
        notes.append(f"not sent, as the model has no such features: {listed(left_out)}")
    sent = columns.converters()
    beside = [(at, column) for at, column in enumerate(found.header) if column in set(left_out)]

    def read() -> Iterator[Row]:
        for line, cells in _records(text, found, name):
            instance = {}
            for at, column, convert in sent:
                try:
                    instance[column] = convert(cells[at])
                except ValueError as error:
                    raise wrong_cell(name, line, column, error) from None
            yield Row(f"line {line:,}", instance, {column: cells[at] for at, column in beside})

    return Rows(count, read, found.header, notes)


class _Columns:
    """How the columns that are sent are read: by the schema, and where it leaves that open by all of their cells."""

    def __init__(self, found: Csv, wanted: Wanted, left_out: Sequence[str]) -> None:
        apart, types = set(left_out), wanted.types
        self._sent = [(at, column) for at, column in enumerate(found.header) if column not in apart]
        self._reads = {column: read_as(None if types is None else types.get(column)) for _, column in self._sent}
        self._looks = {
            at: Looks(self._reads[column])
            for at, column in self._sent
            if self._reads[column] in (Read.WHOLE_OR_TEXT, Read.BY_LOOKS)
        }
        self._open = dict(self._looks)
        may_have = found.separator != ","
        self._numbers = [at for at, column in self._sent if may_have and self._reads[column] is Read.NUMBER]
        self._commas = Commas()

    def look(self, cells: Sequence[str]) -> None:
        for at, looks in tuple(self._open.items()):
            looks.add(cells[at])
            if looks.is_text:
                del self._open[at]
        for at in self._numbers:
            self._commas.add(cells[at])

    @property
    def decimal(self) -> str:
        return "," if self._commas.certain else "."

    def converters(self) -> list[tuple[int, str, Callable[[str], Any]]]:
        """Place in a record, name, and what makes a value of its cells."""
        reads = {**dict(self._sent_reads()), **{at: looks.read() for at, looks in self._looks.items()}}
        return [(at, column, converter(reads[at], self.decimal)) for at, column in self._sent]

    def _sent_reads(self) -> Iterator[tuple[int, Read]]:
        for at, column in self._sent:
            yield at, self._reads[column]


def _records(text: str, found: Csv, name: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the line on which each ends, and its cells; without the header, and without empty lines."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=found.separator, strict=True)
    width = len(found.header)
    is_header = True
    try:
        for cells in reader:
            if not cells:
                continue
            if not is_header:
                if len(cells) != width:
                    problem = f"has {len(cells):,} cells, the header {width:,}"
                    raise CliError(f"{name}, line {reader.line_num} {problem}.", Exit.REFUSED)
                yield reader.line_num, cells
            is_header = False
    except csv.Error as error:
        raise CliError(f"{name}, line {reader.line_num} is no CSV: {error}.", Exit.REFUSED) from error
