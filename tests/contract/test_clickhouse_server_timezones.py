"""Time zones: of the server, of a request, of a session and of a column."""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import clickhouse_connect
import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server

CHICAGO, TOKYO = "America/Chicago", "Asia/Tokyo"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("timezones") / "db") as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def zone(http: httpx.Client, sql: str = "SELECT timezone()", **url: str) -> tuple[str, str]:
    """Of the header, and what the query itself says."""
    answer = http.post("/", params=url, content=sql)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-clickhouse-timezone"], answer.text.rstrip("\n")


def test_the_header_names_the_zone_that_the_answer_is_in(http: httpx.Client) -> None:
    of_the_server = http.post("/", content="SELECT serverTimezone()").text.rstrip("\n")
    assert zone(http) == (of_the_server, of_the_server)
    assert zone(http, session_timezone=TOKYO) == (TOKYO, TOKYO)
    assert zone(http, f"SELECT timezone() SETTINGS session_timezone = '{CHICAGO}'", session_timezone=TOKYO) == (
        CHICAGO,
        CHICAGO,
    )
    assert zone(http, f"SET session_timezone = '{CHICAGO}'", session_id="z")[1] == ""
    assert zone(http, session_id="z") == (CHICAGO, CHICAGO)
    assert zone(http, session_id="z", session_timezone=TOKYO) == (TOKYO, TOKYO)
    assert zone(http, session_id="z", close_session="1") == (CHICAGO, CHICAGO)
    assert zone(http) == (of_the_server, of_the_server)


def test_a_zone_that_is_none_is_refused(http: httpx.Client) -> None:
    answer = http.post("/", params={"session_timezone": "Nowhere/At all\r\nX: y"}, content="SELECT 1")
    assert answer.headers["x-clickhouse-exception-code"] == "36"


@pytest.mark.parametrize("session", ["", "has-tables"])
def test_clickhouse_connect_gets_each_column_in_its_zone(server: RunningServer, session: str) -> None:
    client = clickhouse_connect.get_client(host=server.host, port=server.port, session_id=session or None)
    try:
        if session:
            client.command("CREATE TEMPORARY TABLE own (a UInt8)")
        at = "2022-10-25 10:55:22"
        sql = f"SELECT toDateTime('{at}', '{CHICAGO}'), toDateTime('{at}', 'UTC'), toDateTime64('{at}', 3, '{TOKYO}')"
        sql += f", toNullable(toDateTime('{at}', '{TOKYO}')) FROM numbers(3)"
        row = client.query(sql, tz_mode="aware").first_row
        assert row is not None
        chicago, utc, tokyo, nullable = row
        local = dt.datetime.fromisoformat(at)
        assert chicago == local.replace(tzinfo=ZoneInfo(CHICAGO))
        assert utc == local.replace(tzinfo=dt.UTC)
        assert tokyo == nullable == local.replace(tzinfo=ZoneInfo(TOKYO))
    finally:
        client.close()
