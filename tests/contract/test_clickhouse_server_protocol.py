"""The server's HTTP interface byte by byte, as other clients than clickhouse-connect use it."""

import gzip
import io
import json
import socket
import struct
import zlib
from collections.abc import Iterator

import httpx
import lz4.frame
import pytest
import zstandard

from storage.clickhouse_server.block_compression import compress_blocks, decompress_blocks
from tests.support.clickhouse import RunningServer, clickhouse_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("protocol") / "db", ["--max-body-bytes", "3000000"]) as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/", content="CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a").raise_for_status()
        yield client
        client.post("/", content="DROP TABLE t SYNC").raise_for_status()


def count(http: httpx.Client) -> int:
    return int(http.get("/", params={"query": "SELECT count() FROM t"}).text)


def test_health_paths_answer_ok(http: httpx.Client) -> None:
    for path in ("/ping", "/replicas_status", "/"):
        answer = http.get(path)
        assert (answer.status_code, answer.text) == (200, "Ok.\n")
    assert http.head("/ping").status_code == 200
    assert http.get("/nowhere").status_code == 404
    assert "tidegate_clickhouse_queries_total" in http.get("/metrics").text


def test_sql_may_stand_in_the_url_or_the_body_or_both(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"
    assert http.post("/", content="SELECT 2").text == "2\n"
    assert http.post("/", params={"query": "SELECT"}, content="3").text == "3\n"
    assert http.post("/", params={"query": "INSERT INTO t FORMAT CSV"}, content='5,"x"\n').status_code == 200
    assert http.post("/", params={"query": "INSERT INTO t VALUES"}, content="(6,'y'),(7,'z')").status_code == 200
    assert http.post("/", content="INSERT INTO t VALUES (8, 'FORMAT CSV')").status_code == 200
    assert http.post("/", content="SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)").text == "[5,6,7,8]\n"


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("JSONCompact", "application/json; charset=UTF-8", None),
        ("JSONEachRow", "application/x-ndjson; charset=UTF-8", b'{"a":1}\n'),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present", b'"a"\n1\n'),
        ("TSV", "text/tab-separated-values; charset=UTF-8", b"1\n"),
        ("RowBinary", "application/octet-stream", b"\x01"),
        ("Native", "application/octet-stream", b"\x01\x01\x01a\x05UInt8\x01"),
        ("Parquet", "application/octet-stream", None),
        ("Pretty", "text/plain; charset=UTF-8", None),
    ],
)
@pytest.mark.parametrize("by_url", [False, True])
def test_formats_and_their_headers(http: httpx.Client, name: str, kind: str, body: bytes | None, by_url: bool) -> None:
    sql = "SELECT toUInt8(1) AS a" + ("" if by_url else f" FORMAT {name}")
    url = {"query_id": "my-id"} | ({"default_format": name} if by_url else {})
    answer = http.post("/", params=url, content=sql)
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-clickhouse-format"] == {"TSV": "TabSeparated"}.get(name, name)
    assert answer.headers["x-clickhouse-query-id"] == "my-id"
    assert answer.headers["x-clickhouse-timezone"]
    assert answer.headers["x-clickhouse-server-display-name"] == socket.gethostname()
    assert answer.content == body if body is not None else answer.content


def test_a_result_of_many_blocks_is_one_document(http: httpx.Client) -> None:
    sql = "SELECT number FROM numbers(300000) SETTINGS max_block_size = 10000 FORMAT JSONCompact"
    document = http.post("/", content=sql).json()
    assert document["rows"] == 300000
    assert document["data"][-1] == ["299999"] or document["data"][-1] == [299999]


def test_the_summary_counts_real_rows(http: httpx.Client) -> None:
    written = http.post("/", params={"query": "INSERT INTO t FORMAT TSV"}, content="1\ta\n2\tb\n")
    assert json.loads(written.headers["x-clickhouse-summary"])["written_rows"] == "2"
    copied = http.post("/", content="INSERT INTO t SELECT number, '' FROM numbers(10)")
    assert json.loads(copied.headers["x-clickhouse-summary"])["written_rows"] == "10"
    for output in ("Native", "JSON"):
        read = http.post("/", content=f"SELECT * FROM t FORMAT {output}")
        summary = json.loads(read.headers["x-clickhouse-summary"])
        assert summary["result_rows"] == "12"
        # chDB tells a streamed query's progress with its blocks, and about one in 300 times not the last block's.
        assert int(summary["read_rows"]) in (2, 10, 12)


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT * FROM nope", 404, 60),
        ("SELEC", 400, 62),
        ("", 400, 62),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT * FROM t FORMAT Nope", 404, 73),
        ("SELECT 1 SETTINGS no_such_setting = 1", 404, 115),
        ("SELECT * FROM file('/etc/passwd', LineAsString)", 403, 497),
        ("SELECT * FROM '/etc/passwd'", 403, 497),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 400, 62),
    ],
)
@pytest.mark.parametrize("output", ["TSV", "Native"])
def test_errors_have_clickhouses_status_code_and_text(
    http: httpx.Client, sql: str, status: int, code: int, output: str
) -> None:
    answer = http.post("/", params={"default_format": output}, content=sql)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, str(code))
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_an_unknown_setting_in_the_url_is_refused_and_leaves_nothing_behind(http: httpx.Client) -> None:
    answer = http.post("/", params={"max_threads": "1", "no_such": "1"}, content="SELECT 1")
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (404, "115")
    assert [http.post("/", content="SELECT 1").text for _ in range(8)] == ["1\n"] * 8


@pytest.mark.parametrize(
    ("encoding", "pack", "unpack"),
    [
        ("gzip", gzip.compress, gzip.decompress),
        ("lz4", lz4.frame.compress, lz4.frame.decompress),
        ("zstd", zstandard.compress, lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
        ("deflate", zlib.compress, zlib.decompress),
    ],
)
def test_http_compression_both_ways(http: httpx.Client, encoding: str, pack: object, unpack: object) -> None:
    assert callable(pack)
    assert callable(unpack)
    body = pack("".join(f"{i}\trow {i}\n" for i in range(50000)).encode())
    headers = {"content-encoding": encoding}
    http.post("/", params={"query": "INSERT INTO t FORMAT TSV"}, content=body, headers=headers).raise_for_status()
    with http.stream(
        "POST",
        "/",
        params={"enable_http_compression": "1"},
        content="SELECT a FROM t ORDER BY a",
        headers={"accept-encoding": encoding},
    ) as answer:
        assert answer.headers["content-encoding"] == encoding
        raw = b"".join(answer.iter_raw())
    assert unpack(raw) == "".join(f"{i}\n" for i in range(50000)).encode()
    assert count(http) == 50000


def test_clickhouses_own_compression_both_ways(http: httpx.Client) -> None:
    body = b"".join(compress_blocks(b"".join(struct.pack("<QB", i, 1) + b"x" for i in range(200000))))
    url = {"query": "INSERT INTO t FORMAT RowBinary", "decompress": "1"}
    http.post("/", params=url, content=body).raise_for_status()
    answer = http.post("/", params={"compress": "1"}, content="SELECT a FROM t ORDER BY a FORMAT RowBinary")
    plain = b"".join(decompress_blocks(io.BytesIO(answer.content)))
    assert plain == b"".join(struct.pack("<Q", i) for i in range(200000))


def test_a_body_that_is_cut_off_executes_nothing(server: RunningServer, http: httpx.Client) -> None:
    head = "POST /?query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\nHost: localhost\r\n"
    for framing in (
        "Content-Length: 1000\r\n\r\n1\ta\n2\tb\n",
        "Transfer-Encoding: chunked\r\n\r\n8\r\n1\ta\n2\tb\n\r\n",
    ):
        with socket.create_connection((server.host, server.port)) as raw:
            raw.sendall((head + framing).encode())
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(20)
            assert b"200 OK" not in raw.recv(1000)
    cut = gzip.compress(b"1\ta\n" * 100000)[:-20]
    answer = http.post("/?query=INSERT INTO t FORMAT TSV", content=cut, headers={"content-encoding": "gzip"})
    assert answer.headers["x-clickhouse-exception-code"] == "271"
    assert count(http) == 0


def test_a_bad_row_executes_nothing_of_its_block(http: httpx.Client) -> None:
    answer = http.post("/?query=INSERT INTO t FORMAT TSV", content="1\ta\nnot a number\tb\n")
    assert answer.status_code == 400
    assert count(http) == 0


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_above_the_limit_is_refused(http: httpx.Client, encoding: str) -> None:
    body = b"1\taaaaaaaaaaaaaaa\n" * 200000
    body = gzip.compress(body) if encoding else body
    answer = http.post("/?query=INSERT INTO t FORMAT TSV", content=body, headers={"content-encoding": encoding})
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (413, "307")
    assert "--max-body-bytes" in answer.text
    assert count(http) == 0
