"""Multipart requests: queries and parameters as fields, external data as files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.support.clickhouse import RunningServer, clickhouse_server

Files = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forms") / "db"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    with clickhouse_server(folder, ["--body-memory-bytes", "1000000"]) as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def fields(**given: str) -> Files:
    return {name: (None, value) for name, value in given.items()}


def ask(http: httpx.Client, files: Files, **url: str) -> str:
    """The answer's text, or the exception's code."""
    answer = http.post("/", params=url, files=files)
    return str(answer.headers.get("x-clickhouse-exception-code", answer.text.rstrip("\n")))


def test_query_parameters_and_settings_may_be_fields(http: httpx.Client) -> None:
    sql = "SELECT {a:String}, {b:Array(UInt8)}, getSetting('max_block_size')"
    form = fields(query=sql, param_a="é\\n--\\r\\n", param_b="[1,2]", max_block_size="77", default_format="CSV")
    assert ask(http, form) == '"é\n--\r\n","[1,2]",77'
    del form["query"]
    assert ask(http, form, query=sql).endswith(",77")


@pytest.mark.parametrize("user", ["default", "readonly"])
def test_a_file_is_a_table_for_the_one_query(http: httpx.Client, user: str) -> None:
    sql = "SELECT sum(a), max(b), {p:String} FROM ext"
    file = {"ext": ("any-name.csv", b'1,"x"\n2,"y, z"\n'), **fields(param_p="q")}
    described = {"ext_format": "CSV", "ext_structure": "a UInt8, b String"}
    assert ask(http, file, query=sql, user=user, **described) == "3\ty, z\tq"
    assert ask(http, file | fields(**described), query=sql, user=user) == "3\ty, z\tq"
    assert ask(http, fields(query="SELECT * FROM ext"), user=user) == "60"


def test_types_alone_make_numbered_columns_and_tab_separated_is_the_default(http: httpx.Client) -> None:
    form = {"e": ("e", b"1\t(2,'x')\n"), "empty": ("empty", b""), **fields(empty_types="UInt8")}
    sql = "SELECT _1, _2.2, (SELECT count() FROM empty) FROM e"
    assert ask(http, form, query=sql, e_types="UInt8, Tuple(UInt8, String)") == "1\tx\t0"


def test_a_large_file_waits_on_disk_in_the_servers_own_folder(http: httpx.Client, folder: Path) -> None:
    data = b"".join(b"%d\t--x\n" % number for number in range(200_000))
    form = {"big": ("big", data)}
    assert ask(http, form, query="SELECT sum(a) FROM big", big_structure="a UInt64, s String") == "19999900000"
    assert not [path for path in (folder / ".tidegate").iterdir() if path.is_file() and path.suffix != ".xml"]


@pytest.mark.parametrize(
    ("name", "described", "data", "code"),
    [
        ("e", {}, b"1", "36"),
        ("e; DROP TABLE x", {"e_structure": "a UInt8"}, b"1", "36"),
        ("e", {"e_structure": "a NoSuchType"}, b"1", "50"),
        ("e", {"e_structure": "a UInt8) ENGINE = File(CSV) --"}, b"1", "62"),
        ("e", {"e_structure": "a UInt8", "e_format": "CSV SETTINGS max_threads = 1"}, b"1", "73"),
        ("e", {"e_structure": "a UInt8"}, b"no number", "27"),
    ],
)
def test_a_file_that_can_be_no_table_is_refused_and_leaves_nothing(
    http: httpx.Client, name: str, described: dict[str, str], data: bytes, code: str
) -> None:
    good = {"good": ("good", b"1"), **fields(good_types="UInt8")}
    assert ask(http, good | {name: ("f", data)}, query="SELECT 1", **described) == code
    assert [ask(http, fields(query="SELECT * FROM good")) for _ in range(5)] == ["60"] * 5


def test_a_format_of_the_url_cannot_carry_sql(http: httpx.Client) -> None:
    answer = http.post("/", params={"default_format": "TSV SETTINGS max_threads = 1"}, content="SELECT 1")
    assert answer.headers["x-clickhouse-exception-code"] == "73"


def test_external_tables_of_a_session_leave_its_own_alone(http: httpx.Client) -> None:
    session = {"session_id": "s"}
    assert ask(http, fields(query="CREATE TEMPORARY TABLE own ENGINE = Memory AS SELECT 7 AS a"), **session) == ""
    form = {"e": ("e", b"1\n"), **fields(e_types="UInt8")}
    assert ask(http, form, query="SELECT a, _1 FROM own, e", **session) == "7\t1"
    assert ask(http, {"own": ("own", b"1\n"), **fields(own_types="UInt8")}, query="SELECT 1", **session) == "57"
    assert ask(http, fields(query="SELECT a FROM own"), **session) == "7"
    assert ask(http, fields(query="SELECT * FROM e"), close_session="1", **session) == "60"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        b"--B",
        b"--B\r\n",
        b'--B\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1',
        b'--B\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n--B',
        b"--Bx--",
        b"--B\r\n\r\n\r\n" * 5000 + b"--B--",
    ],
)
def test_what_is_no_whole_form_executes_nothing(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/", content=body, headers={"content-type": "multipart/form-data; boundary=B"})
    assert answer.status_code == 400
    assert http.post("/", content=body, headers={"content-type": "multipart/form-data"}).status_code == 400


def test_clickhouse_connect_sends_forms_and_external_data(server: RunningServer) -> None:
    client = clickhouse_connect.get_client(host=server.host, port=server.port, form_encode_query_params=True)
    try:
        sql = "SELECT name, {add:UInt8} + year FROM films WHERE year > {least:UInt16} ORDER BY name"
        data = ExternalData(file_name="films.csv", data=b"a,1900\nb,2000\nc,2001\n", fmt="CSV", types="String,UInt16")
        sql = sql.replace("name", "_1").replace("year", "_2")
        given = {"add": 1, "least": 1950}
        assert client.query(sql, parameters=given, external_data=data).result_rows == [("b", 2001), ("c", 2002)]
        assert client.raw_query(sql, parameters=given, external_data=data) == b"b\t2001\nc\t2002\n"
        many = {"ids": list(range(30_000))}
        assert client.query("SELECT length({ids:Array(UInt64)})", parameters=many).result_rows == [(30_000,)]
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            client.query("SELECT * FROM films")
    finally:
        client.close()
