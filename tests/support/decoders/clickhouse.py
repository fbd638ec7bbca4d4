"""Requests to the embedded ClickHouse."""

import base64
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

from storage.clickhouse_server.block_compression import compress_blocks, decompress_blocks
from storage.clickhouse_server.body import Spool
from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.planning import plan
from storage.clickhouse_server.request import Asked, credentials, parse_query, parse_url
from storage.clickhouse_server.statement import parse as parse_sql
from tests.support.fuzzing import Decoder


def clickhouse(scratch: Path) -> Iterator[Decoder]:
    urls = [
        b"query=SELECT+1&default_format=JSON&max_threads=2&session_id=a&param_x=1&client_protocol_version=54460",
        b"query=INSERT%20INTO%20t%20FORMAT%20Native&compress=1&decompress=1&buffer_size=100&wait_end_of_query=1",
    ]

    def url(data: bytes) -> None:
        fields = parse_url(data)
        credentials(fields, {})
        parse_query(Asked("POST", fields, {}, False))

    yield Decoder("ClickHouse: URL", urls, url, (ClickHouseError,))
    logins = [b"Basic " + base64.b64encode(b"default:secret")]
    yield Decoder(
        "ClickHouse: Authorization",
        logins,
        lambda data: credentials({}, {"authorization": data.decode("latin-1")}),
        (ClickHouseError,),
    )
    statements = [
        b"INSERT INTO t (a, b) SETTINGS max_threads = 2 VALUES (1, 'it''s'), (2, '\\x41')",
        b"WITH x AS (SELECT 1) SELECT `a\\x62`, {p:UInt8} FROM x -- note\n WHERE b = $tag$text$tag$ FORMAT JSON",
        b"/* c */ INSERT INTO t SELECT * FROM input('a UInt8') FORMAT CSV\n1\n2\n",
    ]
    yield Decoder("ClickHouse: SQL", statements, parse_sql, (ClickHouseError,))
    block = b"\x02\x01\x01a\x06UInt32\x07\x00\x00\x00"
    packed = b"".join(compress_blocks(block * 40))
    yield Decoder(
        "ClickHouse: compressed blocks",
        [packed],
        lambda data: b"".join(decompress_blocks(io.BytesIO(data))),
        (ClickHouseError,),
    )
    config = ClickHouseServerConfig(scratch)
    for encoding, compressed in _compressed(statements[0]).items():
        yield Decoder(
            f"ClickHouse: body in {encoding}", [compressed], _planned(config, scratch, encoding), (ClickHouseError,)
        )
    form = (
        b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {x:UInt8}\r\n'
        b'--b\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n7\r\n--b--\r\n'
    )
    kind = "multipart/form-data; boundary=b"
    yield Decoder("ClickHouse: form", [form], _planned(config, scratch, "", kind), (ClickHouseError,))


def _compressed(plain: bytes) -> dict[str, bytes]:
    return {"gzip": gzip.compress(plain, mtime=0), "deflate": zlib.compress(plain), "zstd": zstandard.compress(plain)}


def _planned(config: ClickHouseServerConfig, scratch: Path, encoding: str, kind: str = "") -> Callable[[bytes], None]:
    headers = {"content-encoding": encoding, "content-type": kind}

    def read(data: bytes) -> None:
        raw, plain = Spool(scratch, 1 << 20, 1 << 24), Spool(scratch, 1 << 20, 1 << 24)
        try:
            raw.write(data)
            plan(config, Asked("POST", {}, headers, False), raw, plain)
        finally:
            raw.close()
            plain.close()

    return read
