"""Users: who may write, who may only read, and who is refused."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server

ENV = {"CLICKHOUSE_PASSWORD": "secret", "CLICKHOUSE_READONLY_PASSWORD": "look"}
READER = {"X-ClickHouse-User": "readonly", "X-ClickHouse-Key": "look"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("users") / "db", env=ENV) as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60, auth=("default", "secret")) as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [
        {"auth": ("readonly", "look")},
        {"headers": READER},
        {"params": {"user": "readonly", "password": "look"}},
    ],
)
def test_a_read_only_user_reads_and_cannot_write(
    server: RunningServer, http: httpx.Client, given: dict[str, object]
) -> None:
    http.post("/", content="CREATE TABLE IF NOT EXISTS ro (a UInt8) ENGINE = MergeTree ORDER BY a").raise_for_status()

    def ask(sql: str) -> httpx.Response:
        return httpx.post(server.url, content=sql, timeout=60, **given)  # type: ignore[arg-type]

    assert ask("SELECT count() FROM ro SETTINGS max_threads = 1").text == "0\n"
    writes = (
        "INSERT INTO ro VALUES (1)",
        "DROP TABLE ro",
        "CREATE TABLE x (a UInt8) ENGINE = Memory",
        "SYSTEM RELOAD CONFIG",
    )
    for sql in (*writes, "KILL QUERY WHERE 1", "SET readonly = 0", "INSERT INTO ro SELECT 1"):
        refused = ask(sql)
        assert refused.headers["x-clickhouse-exception-code"] == "164", sql
        assert "readonly" in refused.text
    assert http.post("/", content="SELECT count() FROM ro").text == "0\n"


def test_get_never_writes(http: httpx.Client) -> None:
    refused = http.get("/", params={"query": "CREATE TABLE got (a UInt8) ENGINE = Memory"})
    assert refused.headers["x-clickhouse-exception-code"] == "164"


@pytest.mark.parametrize("auth", [("default", "wrong"), ("nobody", ""), None])
def test_a_wrong_password_is_refused_as_clickhouse_does(server: RunningServer, auth: tuple[str, str] | None) -> None:
    refused = httpx.post(server.url, content="SELECT 1", auth=auth)
    assert (refused.status_code, refused.headers["x-clickhouse-exception-code"]) == (403, "516")
    assert "Authentication failed" in refused.text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT displayName(), version(), revision(), timezone()",  # clickhouse-go
        "SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1",  # JDBC
        "SELECT value, changed, readonly FROM system.settings WHERE name = 'max_execution_time'",
    ],
)
@pytest.mark.parametrize("user", [READER, {}])
def test_what_drivers_ask_first_is_answered(http: httpx.Client, sql: str, user: dict[str, str]) -> None:
    answer = http.post("/", params={"max_execution_time": "60"}, content=f"{sql} FORMAT JSONEachRow", headers=user)
    assert answer.status_code == 200, answer.text
    assert len(answer.text.splitlines()) == 1
