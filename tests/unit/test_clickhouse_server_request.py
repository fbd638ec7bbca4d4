"""Requests parsed, users told apart, errors given their status."""

import base64
from pathlib import Path

import pytest

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.errors import ClickHouseError, from_engine, http_status
from storage.clickhouse_server.request import Asked, Credentials, credentials, parse_query, parse_url
from storage.clickhouse_server.users import authenticate
from web.door import Door

CONFIG = ClickHouseServerConfig(Path(), password="full", readonly_password="")


def asked(url: bytes, method: str = "POST", headers: dict[str, str] | None = None, readonly: bool = False) -> Asked:
    return Asked(method, parse_url(url), headers or {}, readonly)


def test_parameters_are_told_from_settings() -> None:
    query = parse_query(
        asked(b"query=SELECT+%7Ba%3AUInt8%7D&param_a=1&database=d&max_threads=3&query_id=q&compress=1&session_id=s")
    )
    assert (query.sql, query.database, query.query_id) == (b"SELECT {a:UInt8}", "d", "q")
    assert (dict(query.parameters), dict(query.settings)) == ({"a": "1"}, {"max_threads": "3"})
    assert (query.native_compress, query.native_decompress, query.wait_end, query.protocol) == (True, False, False, 0)


def test_headers_stand_in_for_parameters() -> None:
    query = parse_query(asked(b"", headers={"x-clickhouse-database": "d", "x-clickhouse-format": "TSV"}))
    assert (query.database, query.format) == ("d", "TabSeparated")


def test_a_form_adds_to_the_url() -> None:
    query = parse_query(asked(b"database=d"), {"query": "SELECT 1", "param_x": "é"})
    assert (query.sql, query.database, dict(query.parameters)) == (b"SELECT 1", "d", {"x": "é"})


def test_each_request_gets_an_id_of_its_own() -> None:
    assert parse_query(asked(b"")).query_id != parse_query(asked(b"")).query_id


@pytest.mark.parametrize(
    ("method", "url", "user_readonly", "expected"),
    [
        ("POST", b"", False, False),
        ("GET", b"", False, True),
        ("POST", b"readonly=1", False, True),
        ("POST", b"", True, True),
    ],
)
def test_who_only_reads(method: str, url: bytes, user_readonly: bool, expected: bool) -> None:
    assert parse_query(asked(url, method, readonly=user_readonly)).readonly is expected


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (b"a;drop=1", 115),
        (b"a%27=1", 115),
        (b"buffer_size=x", 117),
        (b"role=admin", 511),
        (b"client_protocol_version=-1", 117),
        (b"query_id=a%0d%0ab", 117),
        (b"query_id=" + b"x" * 300, 117),
    ],
)
def test_impossible_parameters_are_refused(url: bytes, code: int) -> None:
    with pytest.raises(ClickHouseError) as raised:
        parse_query(asked(url))
    assert raised.value.code == code


def test_credentials_come_from_three_places() -> None:
    basic = base64.b64encode(b"u:p:q").decode()
    assert credentials({}, {"authorization": f"Basic {basic}"}) == Credentials("u", "p:q")
    assert credentials({}, {"x-clickhouse-user": "u", "x-clickhouse-key": "k"}) == Credentials("u", "k")
    assert credentials({"user": "u", "password": "p"}, {}) == Credentials("u", "p")
    assert credentials({}, {}) == Credentials("default", "")
    for wrong in ("Basic !!", "Bearer x"):
        with pytest.raises(ClickHouseError, match="Authorization"):
            credentials({}, {"authorization": wrong})


def test_users_and_their_passwords() -> None:
    door = Door("clickhouse")
    assert not authenticate(CONFIG, Credentials("default", "full"), door, "10.0.0.1", 0.0).readonly
    assert authenticate(CONFIG, Credentials("readonly", "anything"), door, "10.0.0.1", 0.0).readonly
    for given in (Credentials("default", ""), Credentials("default", "é"), Credentials("root", "full")):
        with pytest.raises(ClickHouseError, match="Authentication failed") as raised:
            authenticate(CONFIG, given, door, "10.0.0.1", 0.0)
        assert (raised.value.code, raised.value.status) == (516, 403)


@pytest.mark.parametrize(
    ("code", "status"),
    [(62, 400), (60, 404), (47, 404), (497, 403), (516, 403), (202, 503), (307, 413), (48, 501), (395, 500)],
)
def test_codes_have_clickhouses_status(code: int, status: int) -> None:
    assert http_status(code) == status


def test_the_engines_text_gives_the_code() -> None:
    error = from_engine(RuntimeError("Streaming query failed: Code: 60. DB::Exception: no table. (UNKNOWN_TABLE)"))
    assert error.code == 60
    assert error.body("26.9") == "Code: 60. DB::Exception: no table. (UNKNOWN_TABLE) (version 26.9 (official build))\n"
    assert (
        from_engine(RuntimeError("odd")).body("1")
        == "Code: 1002. DB::Exception: odd (UNKNOWN_EXCEPTION) (version 1 (official build))\n"
    )
