"""The server as a process: who has the port, who has the folder, an orderly end, little memory."""

import contextlib
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.clickhouse import clickhouse_server, start_clickhouse


def start_and_fail(*options: str) -> str:
    command = [sys.executable, "-m", "storage.clickhouse_server", "--without-password", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 1
    return done.stderr


def test_a_folder_in_use_names_its_owner(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "db") as server:
        text = start_and_fail("--path", str(tmp_path / "db"), "--port", "0")
        assert f"PID: {server.process.pid}" in text
        assert "stop that process or use another folder" in text
        assert httpx.get(server.url, params={"query": "SELECT 1"}).text == "1\n"


def test_clients_that_say_nothing_keep_nobody_out(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "db") as server, contextlib.ExitStack() as stack:
        for begun in [b"", b"POST /?query=SELECT HTTP/1.1\r\n"] * 200:
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port))).sendall(begun)
        assert httpx.get(server.url, params={"query": "SELECT 1"}).text == "1\n"


def test_a_taken_port_names_its_owner(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "db") as server:
        text = start_and_fail("--path", str(tmp_path / "other"), "--port", str(server.port))
    assert f"Port {server.port}" in text
    assert f"pid {server.process.pid}" in text
    assert "--port" in text


def test_sigterm_finishes_what_runs_and_ends_with_0(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "db") as server, ThreadPoolExecutor(1) as threads:
        sql = "SELECT count(), sum(sleepEachRow(0.05)) FROM numbers(30) SETTINGS max_block_size = 1"
        running = threads.submit(httpx.post, server.url, content=sql, timeout=60)
        until = time.monotonic() + 10
        while "running 1.0" not in httpx.get(f"{server.url}/metrics").text:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert server.stop() == 0
        assert running.result(61).text.startswith("30\t")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/ping")


def test_sigterm_kills_what_runs_past_the_deadline(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "db", ["--shutdown-s", "1"]) as server, ThreadPoolExecutor(1) as threads:
        sql = "SELECT sum(sleepEachRow(0.05)) FROM numbers(6000) SETTINGS max_block_size = 1"
        running = threads.submit(httpx.post, server.url, content=sql, timeout=60)
        until = time.monotonic() + 10
        while "running 1.0" not in httpx.get(f"{server.url}/metrics").text:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert server.stop() == 0
        assert running.exception(10) is not None or running.result().status_code == 500


def test_data_outlives_a_restart_and_memory_comes_down_when_idle(tmp_path: Path) -> None:
    server = start_clickhouse(tmp_path / "db", ["--idle-purge-s", "0.3"])
    lines = b"".join(b'{"a":%d,"m":{"x":1.5,"y":%d}}\n' % (i, i) for i in range(300_000))
    with httpx.Client(base_url=server.url, timeout=60) as http:
        http.post("/", content="CREATE TABLE t (a UInt64, m Map(String, Float64)) ENGINE = MergeTree ORDER BY a")
        for _ in range(3):
            http.post("/?query=INSERT INTO t FORMAT JSONEachRow", content=lines).raise_for_status()
    process = psutil.Process(server.process.pid)
    until = time.monotonic() + 20
    while process.memory_info().rss > 480 << 20:
        assert time.monotonic() < until, f"{process.memory_info().rss >> 20} MiB are held when idle"
        time.sleep(0.1)
    assert server.stop() == 0
    with clickhouse_server(tmp_path / "db") as again:
        assert httpx.get(again.url, params={"query": "SELECT count(), sum(a) FROM t"}).text == "900000\t134999550000\n"
    if server.process.stdout is not None:
        server.process.stdout.close()
