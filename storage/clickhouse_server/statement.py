"""What kind of statement a request holds, and where its parts are.

The engine takes SQL and data by different doors, and a result's format from either the text or the URL, so
the server has to know: is there data behind the SQL and from which byte, which FORMAT was asked for, may
several statements hide in one text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice, pairwise

from storage.clickhouse_server.errors import SYNTAX_ERROR, ClickHouseError
from storage.clickhouse_server.sql_text import Kind, Token, quote, tokens


class StatementKind(Enum):
    """How a statement is run."""

    SELECT = "select"  # any number of rows: streamed
    SHOW = "show"  # an answer of few rows: SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK
    INSERT = "insert"  # data behind the SQL
    INSERT_FROM_INPUT = "insert from input"  # INSERT ... SELECT ... FROM input('...') with data behind
    KILL = "kill"
    COMMAND = "command"  # everything else


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, cut up.

    `head` and `tail` are the SQL before and after its FORMAT clause; `data_start` is the byte where an
    insert's data begins (None where there is none); `changes_session` tells that it leaves something on the
    connection (SET, USE, a temporary table); `tokens` are those of the SQL, not of the data.
    """

    kind: StatementKind
    head: bytes
    tail: bytes
    format: str | None
    data_start: int | None
    changes_session: bool
    tokens: tuple[Token, ...]

    @property
    def sql(self) -> bytes:
        """The SQL without its FORMAT clause."""
        return self.head + self.tail


_SELECTS = ("SELECT", "WITH", "FROM", "VALUES")
_SHOWS = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK")


def parse(sql: bytes) -> Statement:
    """Cut up `sql` (with an insert's inline data, if any).

    Raises ClickHouseError 62 for an empty query, for several statements in one text, and for INTO OUTFILE
    and FROM INFILE, which name files of the server.
    """
    first = next((t for t in tokens(sql) if not t.is_punct(b"(")), None)
    if first is None:
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: Empty query", "SYNTAX_ERROR")
    inserts_at = _insert_into(sql, first)
    if inserts_at is not None:
        return _insert(sql, inserts_at)
    all_tokens = tuple(tokens(sql))
    body = _single(all_tokens)
    _refuse_files(body)
    end = body[-1].end
    if first.is_word(*_SELECTS, *_SHOWS):
        kind = StatementKind.SELECT if first.is_word(*_SELECTS) else StatementKind.SHOW
        at = _format_clause(body)
        if at is None:
            return Statement(kind, sql[:end], b"", None, None, False, body)
        name = body[at + 1].text.decode()
        return Statement(kind, sql[: body[at].start], sql[body[at + 1].end : end], name, None, False, body)
    kind = StatementKind.KILL if first.is_word("KILL") else StatementKind.COMMAND
    session = first.is_word("SET", "USE") or any(t.is_word("TEMPORARY", "TEMP") for t in islice(body, 1, 5))
    return Statement(kind, sql[:end], b"", None, None, session, body)


def _single(found: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens before a closing `;`; a token after it is a second statement."""
    for index, token in enumerate(found):
        if token.is_punct(b";") and token.depth == 0:
            if any(not later.is_punct(b";") for later in found[index:]):
                text = "Multi-statements are not allowed: send one statement per request"
                raise ClickHouseError(SYNTAX_ERROR, text, "SYNTAX_ERROR")
            return found[:index]
    return found


def _refuse_files(found: tuple[Token, ...]) -> None:
    for one, two in pairwise(found):
        if (one.is_word("INTO") and two.is_word("OUTFILE")) or (one.is_word("FROM") and two.is_word("INFILE")):
            text = f"{one.text.decode()} {two.text.decode()} is not allowed over HTTP: send or receive the data itself"
            raise ClickHouseError(SYNTAX_ERROR, text, "SYNTAX_ERROR")


def _format_clause(found: tuple[Token, ...]) -> int | None:
    """Index of the FORMAT keyword of the clause that ends a statement: FORMAT name [SETTINGS ...]."""
    for index in range(len(found) - 2, -1, -1):
        if found[index].depth or not found[index].is_word("FORMAT"):
            continue
        if found[index + 1].kind is not Kind.WORD:
            return None
        last = index + 2 == len(found)
        return index if last or found[index + 2].is_word("SETTINGS") else None
    return None


def _insert_into(sql: bytes, first: Token) -> int | None:
    """The byte at which INSERT INTO begins; before it may stand WITH and its list. None where the statement is none.

    Only these two have data behind them; what is behind INSERT INTO is not looked at here, since it may be that data.
    """
    if first.is_word("INSERT"):
        return first.start
    if not first.is_word("WITH"):
        return None
    for one, two in pairwise(tokens(sql)):
        if one.depth == 0 and one.is_word("INSERT") and two.is_word("INTO"):
            return one.start
    return None


def _insert(sql: bytes, start: int) -> Statement:
    seen = list(tokens(sql[:start]))
    of_with = len(seen)
    selecting = False
    stream = tokens(sql, start)
    for token in stream:
        clause = token.depth == 0 and not _names_something(seen[-1:])
        if clause and token.is_word("SELECT", "WITH"):
            selecting = True
        elif clause and token.is_word("VALUES") and not selecting:
            return _insert_of(sql, seen, token.start, "Values", token.end, selecting)
        elif clause and token.is_word("FORMAT") and (not selecting or _input(seen) is not None):
            name = next(stream, None)
            if name is not None and name.kind is Kind.WORD and not name.is_word("FROM", "AS"):
                return _insert_of(sql, seen, token.start, name.text.decode(), name.end, selecting)
            seen += [token] if name is None else [token, name]
            continue
        seen.append(token)
    body = _single(tuple(seen))
    _refuse_files(body)
    if selecting or any(t.is_word("SELECT") for t in body[of_with:]):
        return Statement(StatementKind.COMMAND, sql[: body[-1].end], b"", None, None, False, body)
    return Statement(StatementKind.INSERT, sql[: body[-1].end], b"", None, len(sql), False, body)


def _names_something(before: list[Token]) -> bool:
    """Whether what comes behind this token is a name, even where it looks like a keyword: `INSERT INTO values`."""
    return any(token.is_word("AS", "INTO", "TABLE", "FUNCTION") or token.is_punct(b".") for token in before)


def _input(found: Sequence[Token]) -> int | None:
    """Index of `input` in `input(...)`, by which an INSERT ... SELECT has data behind it; None where it has none."""
    pairs = enumerate(pairwise(found))
    return next((at for at, (one, two) in pairs if one.is_word("INPUT") and two.is_punct(b"(")), None)


def _insert_of(sql: bytes, seen: list[Token], end: int, name: str, data: int, selecting: bool) -> Statement:
    body = tuple(seen)
    _refuse_files(body)
    kind = StatementKind.INSERT_FROM_INPUT if selecting else StatementKind.INSERT
    return Statement(kind, sql[:end], b"", name, _data_start(sql, data), False, body)


def _data_start(sql: bytes, position: int) -> int:
    """First byte of the data: behind blanks and at most one line break, as ClickHouse has it."""
    while sql[position : position + 1] in (b" ", b"\t", b"\f"):
        position += 1
    if sql[position : position + 1] == b"\r":
        position += 1
    if sql[position : position + 1] == b"\n":
        position += 1
    return position


def into_pipe(statement: Statement, path: str, output_format: str) -> bytes:
    """The SELECT with its result written to the file or pipe `path`.

    Raises ValueError for what is no SELECT: behind an INSERT these words would be data.
    """
    if statement.kind is not StatementKind.SELECT:
        raise ValueError(f"a {statement.kind.value} has no result for a pipe")
    clause = f"\nINTO OUTFILE {quote(path)} APPEND COMPRESSION 'none' FORMAT {output_format}"
    return statement.head + clause.encode() + b" " + statement.tail


def may_hide_insert(statement: Statement) -> bool:
    """Whether the engine could read an INSERT in what was taken for a SELECT: where not even the word is in it, no."""
    return b"insert" in statement.sql.lower()


def setting_of(statement: Statement, name: str) -> str:
    """The text that the statement's own SETTINGS clause gives this setting; empty where it does not."""
    found = statement.tokens
    for index in range(len(found) - 3, -1, -1):
        one, two, three = found[index : index + 3]
        if one.depth == 0 and one.name == name and two.is_punct(b"=") and three.text.startswith(b"'"):
            return three.text[1:-1].decode("utf-8", "replace")
    return ""


@dataclass(frozen=True, slots=True)
class InputCall:
    """Where `input('structure')` stands in an INSERT ... SELECT, and the structure as SQL."""

    start: int
    end: int
    structure: bytes

    def replaced(self, sql: bytes, table: str) -> bytes:
        """The statement with this table in its place."""
        return sql[: self.start] + table.encode() + sql[self.end :]


def input_call(statement: Statement) -> InputCall:
    """Raises ClickHouseError 62 when the statement has data behind it but no input()."""
    found = statement.tokens
    index = _input(found)
    if index is not None:
        one, two = found[index : index + 2]
        close = next((t for t in found[index + 2 :] if t.is_punct(b")") and t.depth == two.depth), None)
        if close is not None:
            return InputCall(one.start, close.end, statement.sql[two.end : close.start])
    text = "INSERT ... SELECT takes data behind it only through input('structure')"
    raise ClickHouseError(SYNTAX_ERROR, text, "SYNTAX_ERROR")
