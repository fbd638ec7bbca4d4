"""An unchanged clickhouse-connect client against the embedded server."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.support.clickhouse import RunningServer, clickhouse_server

Client = Any


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("client") / "db") as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    made = clickhouse_connect.get_client(host=server.host, port=server.port)
    yield made
    made.close()


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    client.command(
        "CREATE TABLE events (ts DateTime64(3, 'UTC'), id UInt64, name LowCardinality(String),"
        " x Nullable(Float64), m Map(String, Float64)) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY id"
    )
    yield "events"
    client.command("DROP TABLE events SYNC")


def rows_of(count: int) -> list[list[Any]]:
    start = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
    return [[start, i, f"n{i % 7}", None if i % 3 else i / 4, {"a": i * 0.5, "b": -1.0}] for i in range(count)]


def test_rows_inserted_by_the_driver_come_back_equal(client: Client, table: str) -> None:
    rows = rows_of(1000)
    summary = client.insert(table, rows, column_names=["ts", "id", "name", "x", "m"])
    assert summary.written_rows == 1000
    got = client.query(f"SELECT * FROM {table} ORDER BY id", tz_mode="aware").result_rows
    assert [list(row) for row in got] == rows


def test_columns_inserted_by_the_driver_come_back_equal(client: Client, table: str) -> None:
    client.insert(table, [[1, 2, 3], ["a", "b", "c"]], column_names=["id", "name"], column_oriented=True)
    assert client.query(f"SELECT id, name FROM {table} ORDER BY id").result_columns == [[1, 2, 3], ["a", "b", "c"]]


def test_raw_json_lines_are_inserted_as_they_are(client: Client, table: str) -> None:
    lines = b'{"ts":"2026-01-02 03:04:05.678","id":7,"name":"a \\u00e9","m":{"f":1.5}}\n{"id":8,"name":"b"}\n'
    summary = client.raw_insert(table, insert_block=lines, fmt="JSONEachRow")
    assert summary.written_rows == 2
    assert client.query(f"SELECT id, name, m['f'] FROM {table} ORDER BY id").result_rows == [
        (7, "a é", 1.5),
        (8, "b", 0.0),
    ]


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip"])
def test_both_directions_are_compressed_as_the_driver_asks(server: RunningServer, table: str, compression: str) -> None:
    with clickhouse_connect.get_client(host=server.host, port=server.port, compress=compression) as packed:
        packed.insert(table, rows_of(500), column_names=["ts", "id", "name", "x", "m"])
        got = packed.query(f"SELECT id, name FROM {table} ORDER BY id")
    assert got.result_rows == [(i, f"n{i % 7}") for i in range(500)]


def test_a_large_result_streams_in_blocks(client: Client) -> None:
    blocks = rows = total = 0
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(500000)") as stream:
        for block in stream:
            blocks += 1
            rows += len(block)
            total += sum(row[0] for row in block)
    assert blocks > 1
    assert (rows, total) == (500000, sum(range(500000)))


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("String", "it's a \\ and a \t and a \n"),
        ("Int64", -(2**63)),
        ("Array(String)", ["a'b", "c"]),
        ("DateTime", dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)),
        ("Nullable(String)", None),
    ],
)
def test_parameters_are_bound_by_the_server(client: Client, declared: str, value: Any) -> None:
    got = client.query(f"SELECT {{v:{declared}}}", parameters={"v": value}, tz_mode="aware").result_rows[0][0]
    assert got == value


def test_long_queries_arrive_as_a_form(server: RunningServer) -> None:
    with clickhouse_connect.get_client(host=server.host, port=server.port, form_encode_query_params=True) as form:
        assert form.query("SELECT {v:String}", parameters={"v": "x" * 5000}).result_rows == [("x" * 5000,)]


def test_settings_hold_for_their_request_only(client: Client) -> None:
    sql = "SELECT getSetting('max_block_size')"
    before = client.query(sql).result_rows
    assert client.query(sql, settings={"max_block_size": 12345}).result_rows == [(12345,)]
    assert client.query(sql).result_rows == before


def test_an_insert_through_input_reads_the_data_behind_it(client: Client, table: str) -> None:
    sql = f"INSERT INTO {table} (id, name) SELECT id * 2, upper(name) FROM input('id UInt64, name String')"
    client.raw_insert(insert_block=f'{sql} FORMAT JSONEachRow\n{{"id":4,"name":"q"}}\n'.encode())
    assert client.query(f"SELECT id, name FROM {table}").result_rows == [(8, "Q")]


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELECT * FROM nope", 60, "UNKNOWN_TABLE"),
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT nope", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT throwIf(number = 3) FROM numbers(5)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"),
    ],
)
def test_errors_carry_clickhouses_code_and_name(client: Client, sql: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError, match=f"Code: {code}") as raised:
        client.query(sql)
    assert (raised.value.code, raised.value.name) == (code, name)


def test_an_error_in_the_middle_of_a_stream_is_raised(client: Client) -> None:
    sql = "SELECT number, throwIf(number = 900000, 'broken here') FROM numbers(1000000) SETTINGS max_block_size = 10000"
    with client.query_row_block_stream(sql) as stream, pytest.raises(Exception, match="broken here"):
        assert sum(len(block) for block in stream) < 0, "the stream ended without its error"


def test_ping_and_ddl_and_databases(client: Client, server: RunningServer) -> None:
    assert client.ping()
    client.command("CREATE DATABASE other")
    client.command("CREATE TABLE other.t (a UInt8) ENGINE = Memory")
    with clickhouse_connect.get_client(host=server.host, port=server.port, database="other") as other:
        other.insert("t", [[5]], column_names=["a"])
        assert other.command("SELECT currentDatabase(), a FROM t") == ["other", "5"]
    client.command("DROP DATABASE other")


@pytest.mark.parametrize("through_input", [False, True])
def test_a_million_rows_are_one_part(client: Client, table: str, through_input: bool) -> None:
    count = 1_000_000
    lines = "".join(f'{{"id":{i},"name":"n","m":{{"a":{i}.5,"b":2.5,"c":3.5}}}}\n' for i in range(count))
    source = "SELECT id, name, m FROM input('id UInt64, name String, m Map(String, Float64)')" if through_input else ""
    sql = f"INSERT INTO {table} (id, name, m) {source} FORMAT JSONEachRow\n"
    client.command(f"SYSTEM STOP MERGES {table}")
    summary = client.raw_insert(insert_block=(sql + lines).encode())
    assert summary.written_rows == count
    parts = client.query(f"SELECT rows FROM system.parts WHERE table = '{table}' AND active").result_rows
    assert parts == [(count,)]


def test_a_block_with_a_repeated_token_lands_once(client: Client) -> None:
    client.command(
        "CREATE TABLE once (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"
    )
    for token in ("p0-o1", "p0-o1", "p0-o2"):
        settings = {"insert_deduplication_token": token, "async_insert": 0}
        client.raw_insert("once", insert_block=b'{"a":1}\n', fmt="JSONEachRow", settings=settings)
    assert client.command("SELECT count() FROM once") == 2
    client.command("DROP TABLE once SYNC")


def test_a_command_without_a_result_tells_its_query_and_an_empty_list_is_one(client: Client) -> None:
    """The driver tells them apart by whether the answer names a format."""
    assert client.command("DROP TABLE IF EXISTS nowhere").query_id()
    assert client.command("SET max_threads = 1").query_id()
    for nothing in ("SHOW POLICIES", "SHOW TABLES LIKE 'nowhere'", "SELECT 1 WHERE 0", "KILL QUERY WHERE 0 SYNC"):
        assert client.command(nothing) == ""


def test_names_of_parameters_with_dollars_are_no_heredocs(client: Client) -> None:
    sql = "SELECT {$x$:String} AS a, {b$:UInt8} AS b, $$ ; -- $$ AS c FORMAT CSV"
    assert client.raw_query(sql, parameters={"$x$": "u", "b$": 3}) == b'"u",3," ; -- "\n'
