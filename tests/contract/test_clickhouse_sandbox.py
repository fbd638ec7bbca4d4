"""The sandbox of the embedded ClickHouse leaves the engine what it starts and keeps running by."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server
from tidegate.backends.clickhouse_sandbox import trouble

pytestmark = pytest.mark.skipif(trouble() is not None, reason=f"NOT TESTED: the sandbox of ClickHouse: {trouble()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(
        tmp_path_factory.mktemp("sandbox") / "db", module="tests.support.clickhouse_moved_environment"
    ) as running:
        yield running


def test_the_engine_starts_whatever_lies_behind_the_environment(server: RunningServer) -> None:
    """It looks there for addresses when it may not read the kernel's own vector."""
    assert httpx.get(server.url, params={"query": "SELECT 40 + 2"}).text == "42\n"


def test_what_the_engine_may_read_of_itself_is_not_forgotten_by_the_kernel(server: RunningServer) -> None:
    """Where memory is short, entries of /proc go unless they are held; the new ones have no rule."""
    process = Path(f"/proc/{server.process.pid}")
    held = {str(link.readlink()) for link in (process / "fd").iterdir()}
    assert {str(process / name) for name in ("auxv", "statm", "status", "maps")} <= held
    assert str(process / "environ") not in held


def test_what_a_runner_may_read_of_itself_is_not_forgotten_either() -> None:
    """It becomes another program after it was confined."""
    held = subprocess.run(
        [sys.executable, "-c", RUNNER, LOOK], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    pid, *links = held.stdout.split()
    assert f"/proc/{pid}" in links


def test_merges_mutations_and_logs_work_with_the_calls_that_are_left(server: RunningServer) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as http:
        for sql in (
            "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a",
            "INSERT INTO t SELECT number, toString(number) FROM numbers(1000)",
            "INSERT INTO t SELECT number, toString(number) FROM numbers(1000)",
            "OPTIMIZE TABLE t FINAL",
            "ALTER TABLE t UPDATE s = 'x' WHERE a = 1 SETTINGS mutations_sync = 2",
            "ALTER TABLE t FREEZE",
            "ALTER TABLE t DETACH PARTITION ID 'all'",
            "ALTER TABLE t ATTACH PARTITION ID 'all'",
            "CREATE TABLE l (a UInt64) ENGINE = Log",
            "INSERT INTO l SELECT a FROM t",
        ):
            answer = http.post("/", content=sql)
            assert answer.status_code == 200, f"{sql}: {answer.text}"
        asked = "SELECT (SELECT count() FROM t), (SELECT countIf(s = 'x') FROM t), (SELECT count() FROM l)"
        assert http.post("/", content=asked).text == "2000\t2\t2000\n"


RUNNER = """
import os, sys
from pathlib import Path
from model_runner.sandbox import landlock
landlock.restrict([Path("/"), Path("/proc/self")], [], network=True)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
LOOK = """
import os
from pathlib import Path
print(os.getpid(), *(link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists()))
"""
ROOT = Path(__file__).parents[2]
OLD = """
import sys, chdb
at = chdb.connect(sys.argv[1])
for sql in (
    "CREATE TABLE default.kept (a UInt64) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO default.kept SELECT number FROM numbers(10)",
    "CREATE DATABASE tidegate",
    "CREATE TABLE tidegate.kept (a UInt64) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO tidegate.kept SELECT number FROM numbers(20)",
    "CREATE MATERIALIZED VIEW tidegate.sums ENGINE = SummingMergeTree ORDER BY k AS SELECT 1 k, a FROM tidegate.kept",
):
    at.query(sql)
at.close()
"""
"""A folder as servers before the engine's grants left it: `default` an overlay of the tables and of all files."""


def test_a_folder_of_an_older_server_keeps_its_rows(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-c", OLD, str(tmp_path / "db")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    asked = "SELECT (SELECT count() FROM default.kept), (SELECT count() FROM tidegate.kept)"
    for rows in (20, 21):  # the second start is one of a folder that was adopted
        with clickhouse_server(tmp_path / "db") as server, httpx.Client(base_url=server.url, timeout=60) as http:
            assert http.post("/", content=asked).text == f"10\t{rows}\n"
            http.post("/", content="INSERT INTO tidegate.kept VALUES (5)").raise_for_status()
            assert http.post("/", content="SELECT sum(a) FROM tidegate.sums").text == f"{5 * (rows - 19)}\n"
