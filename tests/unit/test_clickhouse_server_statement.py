"""Statements cut up: kind, FORMAT, where the data begins, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.external_access import refuse_external_access
from storage.clickhouse_server.query_ids import with_client_ids
from storage.clickhouse_server.sql_text import quote, tokens
from storage.clickhouse_server.statement import StatementKind, input_call, into_pipe, parse


@pytest.mark.parametrize(
    ("sql", "kind", "name", "rest"),
    [
        ("SELECT 1", StatementKind.SELECT, None, "SELECT 1"),
        ("select 1 format JSON;", StatementKind.SELECT, "JSON", "select 1 "),
        (
            "SELECT 1 FORMAT CSV SETTINGS max_threads = 1",
            StatementKind.SELECT,
            "CSV",
            "SELECT 1  SETTINGS max_threads = 1",
        ),
        ("SELECT format('{}', 1), 'FORMAT x' AS format FROM t", StatementKind.SELECT, None, None),
        ("/* FORMAT a */ (SELECT 1) -- FORMAT b", StatementKind.SELECT, None, "/* FORMAT a */ (SELECT 1)"),
        ("WITH 1 AS x SELECT x", StatementKind.SELECT, None, None),
        ("SHOW TABLES FORMAT TSV", StatementKind.SHOW, "TSV", "SHOW TABLES "),
        ("KILL QUERY WHERE 1", StatementKind.KILL, None, None),
        ("CREATE TABLE t (format String, values UInt8) ENGINE = Memory", StatementKind.COMMAND, None, None),
        ("INSERT INTO t SELECT 1", StatementKind.COMMAND, None, None),
        ("INSERT INTO t SELECT * FROM VALUES('a Int8', 1)", StatementKind.COMMAND, None, None),
    ],
)
def test_kinds_and_formats(sql: str, kind: StatementKind, name: str | None, rest: str | None) -> None:
    statement = parse(sql.encode())
    assert (statement.kind, statement.format, statement.data_start) == (kind, name, None)
    assert statement.sql.decode() == (sql if rest is None else rest)


@pytest.mark.parametrize(
    ("sql", "head", "name", "data"),
    [
        (b"INSERT INTO t FORMAT JSONEachRow\n{}", b"INSERT INTO t ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t FORMAT JSONEachRow {}", b"INSERT INTO t ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t FORMAT TSV\r\n\n1", b"INSERT INTO t ", "TSV", b"\n1"),
        (
            b"insert into `format` (format, b) values (1, 'FORMAT')",
            b"insert into `format` (format, b) ",
            "Values",
            b"(1, 'FORMAT')",
        ),
        (b"INSERT INTO t SETTINGS a = 1 FORMAT CSV 1;2", b"INSERT INTO t SETTINGS a = 1 ", "CSV", b"1;2"),
        (b"INSERT INTO t FORMAT Native\n\x00'\"", b"INSERT INTO t ", "Native", b"\x00'\""),
    ],
)
def test_an_inserts_data_begins_where_its_format_ends(sql: bytes, head: bytes, name: str, data: bytes) -> None:
    statement = parse(sql)
    assert (statement.kind, statement.head, statement.format) == (StatementKind.INSERT, head, name)
    assert sql[statement.data_start :] == data


@given(st.binary(max_size=200))
def test_data_is_never_read_as_sql(data: bytes) -> None:
    head = b"INSERT INTO t (a) FORMAT RowBinary\n"
    statement = parse(head + data)
    assert (statement.format, statement.data_start) == ("RowBinary", len(head))


@given(st.binary(max_size=300))
def test_any_bytes_are_cut_into_tokens_that_are_in_them(sql: bytes) -> None:
    position = 0
    for token in tokens(sql):
        assert position <= token.start < token.end <= len(sql)
        assert sql[token.start : token.end] == token.text
        position = token.end


@given(st.text(max_size=50))
def test_a_quoted_string_is_one_token(text: str) -> None:
    found = list(tokens(f"SELECT {quote(text)}, 1".encode("utf-8", "surrogatepass")))
    assert [t.kind.value for t in found] == ["word", "string", "punct", "number"]


def test_insert_from_input_reads_a_table_in_its_place() -> None:
    sql = b"INSERT INTO t SELECT a FROM (SELECT * FROM input('a UInt8, b String')) FORMAT JSONEachRow\n{}"
    statement = parse(sql)
    assert statement.kind is StatementKind.INSERT_FROM_INPUT
    assert sql[statement.data_start :] == b"{}"
    call = input_call(statement)
    assert call.structure == b"'a UInt8, b String'"
    assert call.replaced(statement.sql, "x") == b"INSERT INTO t SELECT a FROM (SELECT * FROM x) "
    with pytest.raises(ClickHouseError, match="input"):
        input_call(parse(b"INSERT INTO t SELECT 1 FORMAT CSV\n"))


def test_the_result_goes_into_the_pipe_before_the_settings() -> None:
    sql = into_pipe(parse(b"SELECT 1 FORMAT CSV SETTINGS a = 1"), "/dev/fd/3", "JSON")
    assert sql == b"SELECT 1 \nINTO OUTFILE '/dev/fd/3' APPEND COMPRESSION 'none' FORMAT JSON  SETTINGS a = 1"


@pytest.mark.parametrize(
    "sql",
    [
        b"",
        b" -- nothing",
        b"SELECT 1; SELECT 2",
        b"SELECT 1 INTO OUTFILE 'x'",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
    ],
)
def test_what_is_no_single_statement_is_refused(sql: bytes) -> None:
    with pytest.raises(ClickHouseError) as raised:
        parse(sql)
    assert (raised.value.code, raised.value.status) == (62, 400)


def test_a_closing_semicolon_and_a_semicolon_in_a_string_are_no_second_statement() -> None:
    assert parse(b"SELECT ';' ; ;").sql == b"SELECT ';'"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd')",
        "SELECT File ('x')",
        "SELECT * FROM `url`('http://x')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM t, '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM default.`../x`",
        "INSERT INTO FUNCTION s3('x') SELECT 1",
        "INSERT INTO TABLE FUNCTION file('x') SELECT 1",
        "CREATE TABLE t (a UInt8) ENGINE = URL('http://x', CSV)",
        "CREATE DICTIONARY d (a UInt8) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id')) LAYOUT(FLAT())",
        "SELECT * FROM (SELECT * FROM remote('h', system.one))",
        "BACKUP TABLE t TO Disk('x', 'y')",
    ],
)
def test_sql_that_reaches_outside_is_refused(sql: str) -> None:
    with pytest.raises(ClickHouseError, match="--allow-external-access") as raised:
        refuse_external_access(parse(sql.encode()).tokens)
    assert (raised.value.code, raised.value.status) == (497, 403)


@pytest.mark.parametrize("verb", ["CREATE", "create or replace", "CREATE /* */ OR REPLACE", "ATTACH", "REPLACE"])
def test_a_dictionary_is_refused_for_what_it_is(verb: str) -> None:
    sql = f"{verb} DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(FLAT()) LIFETIME(0)"
    with pytest.raises(ClickHouseError, match="Dictionaries cannot be made") as raised:
        refuse_external_access(parse(sql.encode()).tokens)
    assert raised.value.code == 497


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file, url AS \"req/s\" FROM t WHERE x IN ('/a', 'b') ORDER BY \"req/s\"",
        "INSERT INTO kafka (a, file) SELECT 1, '/etc'",
        "CREATE TABLE redis (url String) ENGINE = MergeTree ORDER BY url",
        "CREATE TABLE dictionary (dictionary String) ENGINE = Memory",
        "DROP DICTIONARY IF EXISTS d",
        "SELECT cos(1), '/x' FROM t, u WHERE a = 1 AND b IN ('/', ',')",
        "SELECT * FROM s3.`file` JOIN u USING (a)",
    ],
)
def test_sql_that_only_sounds_like_it_is_not_refused(sql: str) -> None:
    refuse_external_access(parse(sql.encode()).tokens)


def test_query_ids_are_read_where_the_server_keeps_them() -> None:
    assert (
        with_client_ids(b"KILL QUERY WHERE query_id = 'query_id'")
        == b"KILL QUERY WHERE Settings['log_comment'] = 'query_id'"
    )
    rewritten = with_client_ids(b"SELECT query_id FROM System.processes p").decode()
    assert rewritten.startswith("SELECT query_id FROM (SELECT * REPLACE (")
    assert rewritten.endswith("FROM system.processes) p")
    assert with_client_ids(b"SELECT 'system.processes', query_id") == b"SELECT 'system.processes', query_id"


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (rb"`f\x69le`", "file"),
        (rb'"f\x69le"', "file"),
        (rb"`\file`", "\x0cile"),
        (b"`a``b`", "a`b"),
        (rb"`a\`b`", "a`b"),
        (rb"`a\\x41`", "a\\x41"),
        (rb"`\x2`", "x2"),
        (b"`FILE`", "file"),
    ],
)
def test_a_quoted_name_is_what_the_engine_takes_it_for(sql: bytes, name: str) -> None:
    (token,) = tokens(sql)
    assert token.name == name
