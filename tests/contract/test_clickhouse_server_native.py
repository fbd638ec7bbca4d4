"""The Native format in both directions, framed as clickhouse-go, Grafana's plugin and clickhouse-connect expect it."""

import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.connection import ServerInfo
from clickhouse_driver.context import Context
from clickhouse_driver.streams.native import BlockInputStream

from tests.support.clickhouse import clickhouse_server

GO = 54460
BLOCK_INFO = bytes([1, 0, 2, 255, 255, 255, 255, 0])
EXPRESSIONS = (
    "number",
    "number % 3 = 0 ? repeat('x', number) : ''",
    "toString(number)::LowCardinality(String)",
    "[number, 1]",
    "range(number % 5)",
    "[[toString(number % 9)]]::Array(Array(LowCardinality(String)))",
    "map('k', number, 'l', 2)",
    "if(number % 2, NULL, number)",
    "if(number % 2, NULL, toString(number))::LowCardinality(Nullable(String))",
    "(number, 'x')::Tuple(a UInt8, b String)",
    "toDecimal64(number, 3)",
    "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
    "toDateTime64(number, 3, 'UTC')",
    "toDate(number)",
    "toFixedString('ab', 2)",
    "toIPv6('::1')",
    "number > 1",
    "CAST('a', 'Enum8(\\'a\\' = 1, \\'b,)\\' = 2)')",
    "number / 7",
    "toInt256(number)",
    "NULL",
)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        clickhouse_server(tmp_path_factory.mktemp("native") / "db") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


def native(http: httpx.Client, sql: str, protocol: int = 0) -> httpx.Response:
    url = {"client_protocol_version": str(protocol)} if protocol else {}
    return http.post("/", params=url, content=f"{sql} FORMAT Native")


def read_blocks(data: bytes, revision: int, rows: int) -> list[tuple[Any, ...]]:
    """What clickhouse-driver, an independent reader of the same format, makes of `data`."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=ours.sendall, args=(data,))
        writer.start()
        context = Context()
        context.server_info = ServerInfo("ClickHouse", 26, 9, 2, revision, "UTC", "test", revision)
        context.settings = {}
        context.client_settings = {"strings_as_bytes": False, "namedtuple_as_json": False, "use_numpy": False}
        stream = BlockInputStream(BufferedSocketReader(theirs, 1 << 16), context)
        found: list[tuple[Any, ...]] = []
        while len(found) < rows:
            found += stream.read().get_rows()
        writer.join()
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
    return found


def test_blocks_are_framed_by_the_clients_version(http: httpx.Client) -> None:
    sql = "SELECT toUInt64(5) AS a, 'x' AS s"
    block = b"\x02\x01\x01a\x06UInt64" + struct.pack("<Q", 5) + b"\x01s\x06String\x01x"
    assert native(http, sql).content == block
    assert native(http, sql, 54405).content == BLOCK_INFO + block
    custom = b"\x02\x01\x01a\x06UInt64\x00" + struct.pack("<Q", 5) + b"\x01s\x06String\x00\x01x"
    assert native(http, sql, GO).content == BLOCK_INFO + custom


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_independent_reader_understands_each_type(http: httpx.Client, expression: str) -> None:
    sql = f"SELECT number AS n, {expression} AS v, 'end' AS e FROM numbers(300) SETTINGS max_block_size = 100"
    answer = native(http, sql, GO)
    assert answer.status_code == 200, answer.text
    framed = read_blocks(answer.content, GO, 300)
    assert [(row[0], row[2]) for row in framed] == [(n, "end") for n in range(300)]
    expected = http.post("/", content=f"SELECT count(), uniqExact(v) FROM ({sql})").text.split()
    assert [len(framed), len({repr(row[1]) for row in framed if row[1] is not None})] == [int(x) for x in expected]


def test_small_answers_are_framed_too(http: httpx.Client) -> None:
    answer = native(http, "SHOW DATABASES", GO)
    assert ("default",) in read_blocks(answer.content, GO, 4)


def test_a_type_of_unknown_length_is_refused_with_advice(http: httpx.Client) -> None:
    answer = native(http, "SELECT uniqState(1) AS u", GO)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (501, "48")
    assert "cast it" in answer.text


def test_native_inserts_are_taken_as_they_come(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE n (a UInt64, s String) ENGINE = MergeTree ORDER BY a").raise_for_status()
    block = b"\x02\x02\x01a\x06UInt64" + struct.pack("<QQ", 5, 6) + b"\x01s\x06String\x01x\x02\n)"
    url = {"query": "INSERT INTO n (a, s) FORMAT Native", "client_protocol_version": str(GO)}
    http.post("/", params=url, content=block + block).raise_for_status()
    http.post("/", content=b"INSERT INTO n FORMAT Native\n" + block).raise_for_status()
    assert native(http, "SELECT a, s FROM n ORDER BY a LIMIT 2 BY a").content.endswith(b"\x01x\x01x\x02\n)\x02\n)")
    assert http.post("/", content="SELECT count() FROM n").text == "6\n"
