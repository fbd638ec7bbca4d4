"""A result that ends in an error after its first bytes went out must never look like a whole one."""

import socket
import zlib
from collections.abc import Iterator

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.support.clickhouse import RunningServer, clickhouse_server

FAILS = "SELECT number, throwIf(number = 90000, 'broken off') FROM numbers(100000)"
AT_ONCE = {"wait_end_of_query": 0, "buffer_size": 1, "max_block_size": 1000}
HEAD = (
    "GET /?query={sql}&buffer_size=1&max_block_size=1000{more} HTTP/{version}\r\n"
    "Host: localhost\r\nConnection: close\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("broken") / "db") as running:
        yield running


def raw(server: RunningServer, version: str, more: str = "", sql: str = FAILS) -> tuple[bytes, bytes]:
    """Head and body as they come over the wire, until the server closes."""
    text = HEAD.format(sql=sql.replace(" ", "+"), version=version, more=more)
    with socket.create_connection((server.host, server.port), timeout=60) as connection:
        connection.sendall(text.encode())
        got = b""
        while piece := connection.recv(1 << 20):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    return head.lower(), body


@pytest.mark.parametrize("form", ["TSV", "Native", "JSON", "Parquet"])
def test_the_chunks_do_not_end_and_the_error_is_in_its_marks(server: RunningServer, form: str) -> None:
    sql = FAILS if form != "Parquet" else FAILS + " SETTINGS output_format_parquet_row_group_size=1000"
    head, body = raw(server, "1.1", more=f"&default_format={form}", sql=sql)
    if b" 200 ok" not in head:  # nothing of it had gone out
        assert b"Code: 395" in body
        return
    assert b"transfer-encoding: chunked" in head
    assert not body.endswith(b"0\r\n\r\n")
    tag = head.partition(b"x-clickhouse-exception-tag: ")[2].partition(b"\r\n")[0]
    text = body[body.index(b"__exception__\r\n" + tag) :]
    message = text.split(b"\r\n", 2)[2].partition(b"\n")[0]
    assert message.startswith(b"Code: 395. DB::Exception: broken off")
    assert f"\n{len(message) + 1} ".encode() + tag + b"\r\n__exception__\r\n" in text


def test_http_1_0_has_no_mark_for_a_cut_answer_so_it_gets_the_error_alone(server: RunningServer) -> None:
    head, body = raw(server, "1.0")
    assert b" 500 " in head.partition(b"\r\n")[0]
    assert body.startswith(b"Code: 395")
    head, body = raw(server, "1.0", sql="SELECT number FROM numbers(100000)")
    assert b" 200 " in head.partition(b"\r\n")[0]
    assert body.endswith(b"\n99999\n")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_an_ordinary_http_client_raises(server: RunningServer, encoding: str) -> None:
    url = {"query": FAILS, "buffer_size": "1", "max_block_size": "1000", "enable_http_compression": "1"}
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url, params=url, headers={"accept-encoding": encoding}, timeout=60)


def test_the_error_can_be_read_out_of_a_compressed_answer(server: RunningServer) -> None:
    url = {"query": FAILS, "buffer_size": "1", "max_block_size": "1000", "enable_http_compression": "1"}
    got: list[bytes] = []
    with (
        httpx.stream("GET", server.url, params=url, headers={"accept-encoding": "gzip"}, timeout=60) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        got.extend(answer.iter_raw())
    assert b"broken off" in zlib.decompressobj(31).decompress(b"".join(got))[-1000:]


def test_clickhouse_connect_raises_the_servers_error(server: RunningServer) -> None:
    client = clickhouse_connect.get_client(host=server.host, port=server.port)
    try:
        with pytest.raises(StreamFailureError, match="broken off"):
            _ = client.query(FAILS, settings=AT_ONCE).result_set
        with (
            pytest.raises(StreamFailureError, match="broken off"),
            client.query_rows_stream(FAILS, settings=AT_ONCE) as stream,
        ):
            for _ in stream:
                pass
        assert client.command("SELECT 1") == 1
    finally:
        client.close()


def test_without_a_buffer_a_result_of_several_blocks_goes_out_at_once(server: RunningServer) -> None:
    """As from ClickHouse: a failing query's first rows are there already, unless the whole of it was waited for."""
    sql = "SELECT sleepEachRow(0.001), throwIf(number = 20, 'broken off') FROM numbers(30)"
    client = clickhouse_connect.get_client(host=server.host, port=server.port)
    try:
        with pytest.raises(StreamFailureError, match="broken off"):
            _ = client.query(sql, settings={"max_block_size": 1, "wait_end_of_query": 0}).result_set
        for waits in ({"wait_end_of_query": 1}, {"wait_end_of_query": 0, "buffer_size": 1 << 20}):
            with pytest.raises(DatabaseError, match="code: 395"):
                client.query(sql, settings={"max_block_size": 1, **waits})
        with pytest.raises(DatabaseError, match="code: 395"):  # all of it is in the first block
            client.query(sql, settings={"wait_end_of_query": 0})
    finally:
        client.close()
