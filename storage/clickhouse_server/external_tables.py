"""External data: files of a multipart request, each a temporary table for the one query.

As in ClickHouse the table has the file's field name, and `<name>_structure` (or `<name>_types`) and `<name>_format` of
the URL or the form say how it is read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from storage.clickhouse_server.body import Spool
from storage.clickhouse_server.errors import BAD_ARGUMENTS, ClickHouseError
from storage.clickhouse_server.formats import DEFAULT_FORMAT, canonical_format, format_name
from storage.clickhouse_server.multipart import FormFile
from storage.clickhouse_server.session import Progress, Session
from storage.clickhouse_server.sql_text import quote, quote_identifier, tokens

_MOST = 64
_SUFFIXES = ("_format", "_structure", "_types")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table-to-be: its columns as SQL, and where its data is in the request's body."""

    name: str
    structure: str
    format: str
    data: Spool
    start: int
    end: int


def described_by(files: Sequence[FormFile]) -> frozenset[str]:
    """The parameters that describe these files, which are no settings of the engine."""
    return frozenset(file.name + suffix for file in files for suffix in _SUFFIXES)


def external_tables(files: Sequence[FormFile], fields: Mapping[str, str], data: Spool) -> tuple[ExternalTable, ...]:
    """The tables of a form's files; `fields` are the parameters of URL and form.

    Raises ClickHouseError 36 for a file without a name that a table can have, without its structure, for two of one
    name and for too many, 73 for a format that cannot be one.
    """
    if len(files) > _MOST:
        raise _refusal(f"A request has {len(files)} external tables: at most {_MOST}")
    if len({file.name for file in files}) < len(files):
        raise _refusal("Two external tables of a request have one name")
    return tuple(_table(file, fields, data) for file in files)


def _table(file: FormFile, fields: Mapping[str, str], data: Spool) -> ExternalTable:
    if not _NAME.match(file.name):
        raise _refusal(f"{file.name[:100]!r} cannot be the name of an external table: use letters, digits and _")
    structure, types = fields.get(f"{file.name}_structure"), fields.get(f"{file.name}_types")
    if not structure and types:
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(_split(types), 1))
    if not structure:
        raise _refusal(
            f"The external table {file.name} has no structure: give {file.name}_structure='column Type, ...' or "
            f"{file.name}_types='Type, ...'"
        )
    name = canonical_format(format_name(fields.get(f"{file.name}_format") or DEFAULT_FORMAT))
    return ExternalTable(file.name, structure, name, data, file.start, file.end)


def _split(types: str) -> list[str]:
    """At the commas that stand in no brackets."""
    text, parts, begin = types.encode("utf-8", "surrogateescape"), [], 0
    for token in tokens(text):
        if token.is_punct(b",") and token.depth == 0:
            parts.append(text[begin : token.start])
            begin = token.end
    parts.append(text[begin:])
    return [part.decode("utf-8", "surrogateescape").strip() for part in parts]


def make_tables(session: Session, tables: Sequence[ExternalTable], made: Callable[[str], None]) -> None:
    """Make and fill the tables on the query's own connection; `made` is told the name of each, before it is filled."""
    for table in tables:
        make_temporary(session, table.name, quote(table.structure).encode("utf-8", "surrogateescape"), {})
        made(table.name)
        if table.end > table.start:
            into = f"INSERT INTO {quote_identifier(table.name)}".encode()
            session.insert(into, table.format, table.data.pieces(table.start, table.end), Progress())


def make_temporary(session: Session, name: str, structure: bytes, parameters: Mapping[str, str]) -> None:
    """An empty temporary table; `structure` is SQL for a text that names columns, so that it can do nothing else."""
    create = f"CREATE TEMPORARY TABLE {quote_identifier(name)} ENGINE = Memory AS SELECT * FROM null("  # noqa: S608
    session.execute(create.encode() + structure + b")", DEFAULT_FORMAT, parameters, Progress())


def _refusal(text: str) -> ClickHouseError:
    return ClickHouseError(BAD_ARGUMENTS, text, "BAD_ARGUMENTS")
