"""Sessions by session_id: what lives over requests, for whom and for how long."""

import socket
import threading
from collections.abc import Iterator

import clickhouse_connect
import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server
from tests.support.waiting import wait_until

MOST = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("sessions") / "db", ["--max-sessions", str(MOST)]) as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def ask(http: httpx.Client, sql: str, session: str = "", **more: str) -> str:
    """The answer's text, or the exception's code."""
    answer = http.post("/", params=({"session_id": session} if session else {}) | more, content=sql)
    return str(answer.headers.get("x-clickhouse-exception-code", answer.text.rstrip("\n")))


def test_a_temporary_table_lives_over_the_requests_of_its_session_alone(http: httpx.Client) -> None:
    assert ask(http, "CREATE TEMPORARY TABLE t (a UInt8)", "tables") == ""
    assert ask(http, "INSERT INTO t VALUES (1), (2)", "tables") == ""
    assert ask(http, "INSERT INTO t SELECT a FROM input('a UInt8') FORMAT TSV\n3\n", "tables") == ""
    assert ask(http, "INSERT INTO t SELECT {p:UInt8}", "tables", param_p="4") == ""
    assert ask(http, "SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)", "tables") == "[1,2,3,4]"
    foreign = [ask(http, "SELECT * FROM t", name, user=user) for name in ("", "other") for user in ("", "readonly")]
    assert [*foreign, ask(http, "SELECT * FROM t", "tables", user="readonly")] == ["60"] * 5
    assert ask(http, "SELECT count() FROM t", "tables", close_session="1") == "4"
    assert ask(http, "SELECT 1", "tables", session_check="1") == "372"


def test_what_set_and_use_say_lives_on_and_a_requests_own_settings_do_not(http: httpx.Client) -> None:
    values = "SELECT getSetting('max_block_size'), currentDatabase()"
    assert ask(http, "SET max_block_size = 77", "set") == ""
    assert ask(http, "USE system", "set") == ""
    assert ask(http, values, "set") == "77\tsystem"
    assert ask(http, values, "set", max_block_size="88", database="default") == "88\tdefault"
    assert ask(http, values, "set", max_block_size="99", no_such_setting="1") == "115"
    assert ask(http, values, "set") == "77\tsystem"
    assert ask(http, "SET max_block_size = 66", "set", max_block_size="99") == ""
    assert ask(http, values, "set", close_session="1") == "66\tsystem"
    assert ask(http, "SELECT currentDatabase()") == "default"


def test_a_session_runs_one_query_at_a_time(http: httpx.Client, server: RunningServer) -> None:
    def slow() -> None:
        httpx.post(server.url, params={"session_id": "lock"}, content="SELECT sleep(2)", timeout=60)

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleep(2)%'"
        wait_until(lambda: ask(http, running) == "1", 30, "the slow query to run", 0.05)
        assert ask(http, "SELECT 1", "lock") == "373"
        assert ask(http, "SELECT 1", "another") == "1"
        assert ask(http, "SELECT 1", "lock", user="readonly") == "1"
    finally:
        thread.join()
    assert ask(http, "SELECT 1", "lock") == "1"


def test_whoever_has_the_answer_may_ask_again_at_once(http: httpx.Client) -> None:
    answers = [ask(http, "SELECT number FROM numbers(3)", "again", query_id="the-same") for _ in range(100)]
    assert answers == ["0\n1\n2"] * 100
    assert [ask(http, "SELECT nope", "again", query_id="the-same") for _ in range(50)] == ["47"] * 50


def test_a_session_is_over_after_its_timeout(http: httpx.Client) -> None:
    assert ask(http, "CREATE TEMPORARY TABLE brief (a UInt8)", "brief", session_timeout="1") == ""
    wait_until(lambda: ask(http, "SELECT 1", "brief", session_check="1", session_timeout="0") == "372", 30, "its end")
    assert ask(http, "SELECT * FROM brief", "brief") == "60"


@pytest.mark.parametrize("timeout", ["3601", "-1", "x", "9" * 30])
def test_a_timeout_that_is_none_is_refused(http: httpx.Client, timeout: str) -> None:
    assert ask(http, "SELECT 1", "timeout", session_timeout=timeout) == "374"


def test_sessions_with_something_of_their_own_are_bounded_and_the_others_cost_nothing(http: httpx.Client) -> None:
    create = "CREATE TEMPORARY TABLE t (a UInt8)"
    names = [f"bounded-{number}" for number in range(MOST)]
    assert [ask(http, create, name) for name in names] == [""] * MOST
    assert ask(http, create, "one-too-many") == "700"
    assert [ask(http, "SELECT 1", f"plain-{number}") for number in range(20)] == ["1"] * 20
    assert ask(http, "SELECT 1", names[0], close_session="1") == "1"
    assert ask(http, create, "one-too-many", close_session="1") == ""
    assert [ask(http, "SELECT count() FROM t", name, close_session="1") for name in names[1:]] == ["0"] * (MOST - 1)


def test_get_does_not_write_in_a_session_either(http: httpx.Client) -> None:
    assert ask(http, "CREATE TABLE kept (a UInt8) ENGINE = Memory", "get") == ""
    assert ask(http, "CREATE TEMPORARY TABLE own (a UInt8)", "get") == ""
    for sql in ("INSERT INTO kept VALUES (1)", "WITH 1 AS a INSERT INTO kept SELECT a", "DROP TABLE kept"):
        answer = http.get("/", params={"session_id": "get", "query": sql})
        assert answer.headers["x-clickhouse-exception-code"] == "164"
    assert ask(http, "DROP TABLE kept SYNC", "get", close_session="1") == ""


def test_the_readonly_user_has_temporary_tables_of_its_own(http: httpx.Client) -> None:
    assert ask(http, "CREATE TEMPORARY TABLE r (a UInt8)", "r", user="readonly") == ""
    assert ask(http, "CREATE TABLE r2 (a UInt8) ENGINE = Memory", "r", user="readonly") == "164"
    assert ask(http, "SELECT count() FROM r", "r", user="readonly", close_session="1") == "0"


def test_clickhouse_connect_keeps_its_tables_in_its_session(server: RunningServer) -> None:
    client = clickhouse_connect.get_client(host=server.host, port=server.port, session_id="by-the-driver")
    try:
        client.command("CREATE TEMPORARY TABLE mine (id UInt32, at DateTime('Asia/Tokyo'))")
        client.insert("mine", [[1, 0], [2, 86400]], column_names=["id", "at"], column_type_names=["UInt32", "DateTime"])
        rows = client.query("SELECT id, at FROM mine ORDER BY id").result_rows
        assert [(number, str(at)) for number, at in rows] == [
            (1, "1970-01-01 09:00:00+09:00"),
            (2, "1970-01-02 09:00:00+09:00"),
        ]
    finally:
        client.close()


def test_whoever_has_the_head_of_an_empty_answer_may_ask_the_session_again(server: RunningServer) -> None:
    """Drivers look no further than the head of an insert's answer."""
    path = "/?session_id=impatient&query=SET+max_threads=1"
    request = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
    for _ in range(100):
        with socket.create_connection((server.host, server.port), timeout=60) as connection:
            connection.sendall(request)
            head = connection.recv(1 << 16)
        assert head.startswith(b"HTTP/1.1 200 "), head
