"""No SQL leaves the embedded ClickHouse: neither by the whole of it, nor where only its sandbox is left to hold it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server
from tests.support.clickhouse_escapes import ENDS, WORD, Places, statements
from tidegate.backends.clickhouse_sandbox import trouble

ENV = {"CLICKHOUSE_PASSWORD": "secret-password", "CLICKHOUSE_READONLY_PASSWORD": "look-password"}
USERS = {"default": "secret-password", "readonly": "look-password"}
NO_RETRIES = {
    "http_max_tries": "1",
    "s3_retry_attempts": "0",
    "backup_restore_s3_retry_attempts": "0",
    "azure_sdk_max_retries": "0",
    "connect_timeout": "1",
}
"""So that what cannot be reached is given up at once."""
SLOW = ("jdbc(", "dictGet('call_h'", "type = web")
"""Tried for half a minute, whatever is set, before they are given up."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Prison:
    server: RunningServer
    places: Places
    listener: socket.socket
    http: httpx.Client

    def ask(self, user: str, method: str, sql: str, **more: str) -> httpx.Response:
        auth = (user, USERS[user])
        if method == "GET":
            return self.http.get("/", params={"query": sql, **more}, auth=auth)
        return self.http.post("/", params=more, content=sql.encode(), auth=auth)

    def assert_nothing_left(self, told: str, after: str) -> None:
        """No secret in the answer, nothing written outside, nobody called, and the process lives."""
        assert WORD not in told, after
        assert not any(password in told for password in USERS.values()), after
        assert list(self.places.outside.iterdir()) == [], after
        with pytest.raises(BlockingIOError):
            self.listener.accept()
        assert self.server.process.poll() is None, after


def prison(folder: Path, *options: str) -> Iterator[Prison]:
    if trouble():
        pytest.skip(f"NOT TESTED: the sandbox of ClickHouse: {trouble()}")
    (folder / "outside").mkdir()
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{WORD}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener, clickhouse_server(folder / "db", options, ENV) as server:
        listener.setblocking(False)
        places = Places(secret, folder / "outside", listener.getsockname()[1])
        with httpx.Client(base_url=server.url, timeout=60) as http:
            yield Prison(server, places, listener, http)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    """As the stack starts it."""
    yield from prison(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    """Without the guard of words and without the engine's own rights: the sandbox alone."""
    yield from prison(tmp_path_factory.mktemp("walls"), "--allow-external-access")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_statement_leaves_the_database(whole: Prison, user: str, method: str) -> None:
    for sql in statements(whole.places):
        answer = whole.ask(user, method, sql)
        whole.assert_nothing_left(answer.text, sql)

    assert whole.ask(user, method, "SELECT 40 + 2").text == "42\n"


def test_names_in_parameters_are_no_way_out(whole: Prison) -> None:
    path = str(whole.places.secret)
    for user in USERS:
        for sql in ("SELECT * FROM {t:Identifier}", "SELECT * FROM default.{t:Identifier}", "DESCRIBE {t:Identifier}"):
            for value in (path, f"/{path}", f"../../{path}", f"file('{path}')"):
                told = whole.ask(user, "POST", sql, param_t=value)
                assert not told.is_success
                whole.assert_nothing_left(told.text, f"{sql} {value}")


def test_what_gets_past_every_word_and_right_meets_the_sandbox(walls: Prison) -> None:
    """As the user who may do the most."""
    for sql in statements(walls.places):
        if sql not in ENDS and not any(part in sql for part in SLOW):
            answer = walls.ask("default", "POST", sql, **NO_RETRIES)
            walls.assert_nothing_left(answer.text, sql)

    assert walls.ask("default", "POST", "SELECT 40 + 2").text == "42\n"


def test_what_is_refused_says_why_and_what_to_do(whole: Prison) -> None:
    told = whole.ask("default", "POST", f"SELECT * FROM `f\\x69le`('{whole.places.secret}')")

    assert (told.status_code, told.headers["x-clickhouse-exception-code"]) == (403, "497")
    assert "--allow-external-access" in told.text


def test_what_a_database_is_for_works_in_the_sandbox(whole: Prison) -> None:
    """Mutations link files from part to part, dropped tables move, views and functions are kept."""
    for sql in (
        "CREATE DATABASE work",
        "CREATE TABLE work.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a PARTITION BY a % 3",
        "INSERT INTO work.t SELECT number, toString(number) FROM numbers(1000)",
        "ALTER TABLE work.t UPDATE b = concat(b, '!') WHERE a < 10 SETTINGS mutations_sync = 2",
        "ALTER TABLE work.t ADD COLUMN c UInt8 DEFAULT 7",
        "ALTER TABLE work.t DETACH PARTITION 1",
        "ALTER TABLE work.t ATTACH PARTITION 1",
        "CREATE TABLE work.copy AS work.t",
        "ALTER TABLE work.copy ATTACH PARTITION 2 FROM work.t",
        "OPTIMIZE TABLE work.t FINAL",
        "CREATE MATERIALIZED VIEW work.v ENGINE = SummingMergeTree ORDER BY a AS SELECT a % 2 AS a, 1 AS n FROM work.t",
        "CREATE FUNCTION plus_one AS (x) -> x + 1",
        "RENAME TABLE work.copy TO work.renamed",
        "DROP TABLE work.renamed SYNC",
    ):
        answer = whole.ask("default", "POST", sql)
        assert answer.is_success, f"{sql}: {answer.text}"
    sql = "SELECT count(), sum(c), countIf(b LIKE '%!'), max(plus_one(a)) FROM work.t"
    assert whole.ask("readonly", "GET", sql).text == "1000\t7000\t10\t1000\n"
    whole.ask("default", "POST", "DROP DATABASE work").raise_for_status()


ENGINE_ALONE = """
import json, sys
from pathlib import Path
from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.engine import Engine
engine = Engine(ClickHouseServerConfig(Path(sys.argv[1])))
connection, told = engine.connect(), {}
for sql in json.loads(sys.argv[2]):
    try:
        told[sql] = connection.query(sql, "TabSeparated").bytes().decode("utf-8", "replace")
    except Exception as error:
        told[sql] = ""
print(json.dumps(told))
connection.close()
engine.close()
"""
NOT_BY_RIGHTS = (
    "SELECT file(",
    "SELECT `f\\x69le`(",
    "SELECT arrayMap",
    ", file(",
    "INTO OUTFILE",
    "OUTFILE",
    "type = web",
    "object_storage",
)
"""What the engine has no right for; words and sandbox hold it."""


def test_the_engines_own_rights_hold_nearly_all_of_it_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "secret").write_text(f"{WORD}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        places = Places(tmp_path / "secret", tmp_path / "outside", listener.getsockname()[1])
        asked = [sql for sql in statements(places) if not any(part in sql for part in NOT_BY_RIGHTS)]
        command = [sys.executable, "-c", ENGINE_ALONE, str(tmp_path / "db"), json.dumps(asked)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=True)
        with pytest.raises(BlockingIOError):
            listener.accept()

    told = json.loads(done.stdout)
    assert len(told) == len(set(asked)) > 90
    assert [sql for sql, answer in told.items() if WORD in answer] == []
    assert list(places.outside.iterdir()) == []
