"""Queries beside each other: the pools, their limits, kills and hang-ups."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server

OPTIONS = ["--max-connections", "2", "--max-readonly-connections", "2", "--max-waiting", "1", "--max-wait-s", "20"]
SLOW = "SELECT sum(sleepEachRow(0.05)) FROM numbers(1200) SETTINGS max_block_size = 1"
ENV = {"CLICKHOUSE_PASSWORD": "secret", "CLICKHOUSE_READONLY_PASSWORD": "look"}
READER = {"X-ClickHouse-User": "readonly", "X-ClickHouse-Key": "look"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with clickhouse_server(tmp_path_factory.mktemp("beside") / "db", OPTIONS, ENV) as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60, auth=("default", "secret")) as client:
        yield client


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def wait_for(condition: Callable[[], bool], deadline_s: float = 120) -> None:
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, "the condition did not come true in time"
        time.sleep(0.02)


def running(http: httpx.Client, prefix: str) -> list[str]:
    url = {"param_p": prefix, "query_id": "watching"}
    sql = "SELECT query_id FROM system.processes WHERE startsWith(query_id, {p:String}) ORDER BY query_id"
    return http.post("/", params=url, content=sql, headers=READER).text.split()


def is_running(http: httpx.Client, query_id: str, wanted: bool) -> bool:
    return (query_id in running(http, query_id)) is wanted


def start_slow(http: httpx.Client, threads: ThreadPoolExecutor, query_id: str) -> "Future[httpx.Response]":
    future = threads.submit(http.post, "/", params={"query_id": query_id}, content=SLOW)
    wait_for(lambda: query_id in running(http, query_id))
    return future


def kill(http: httpx.Client, query_id: str) -> httpx.Response:
    return http.post("/", content=f"KILL QUERY WHERE query_id = '{query_id}'")


def test_a_query_and_an_insert_run_beside_a_slow_one(http: httpx.Client, threads: ThreadPoolExecutor) -> None:
    slow = start_slow(http, threads, "beside")
    begun = time.monotonic()
    for sql in (
        "CREATE TABLE b (a UInt8) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO b VALUES (1)",
        "SELECT a FROM b",
    ):
        assert http.post("/", content=sql).status_code == 200
    assert time.monotonic() - begun < 5
    assert not slow.done()
    kill(http, "beside")
    assert slow.result(20).headers["x-clickhouse-exception-code"] == "394"


def test_kill_query_ends_the_query_of_that_id_only(http: httpx.Client, threads: ThreadPoolExecutor) -> None:
    first, second = start_slow(http, threads, "kill-1"), start_slow(http, threads, "kill-2")
    killed = kill(http, "kill-1")
    assert killed.status_code == 200
    ended = first.result(20)
    assert (ended.status_code, ended.headers["x-clickhouse-exception-code"]) == (500, "394")
    assert running(http, "kill-") == ["kill-2"]
    assert not second.done()
    kill(http, "kill-2")
    second.result(20)


def test_the_same_id_twice_at_once_is_refused(http: httpx.Client, threads: ThreadPoolExecutor) -> None:
    slow = start_slow(http, threads, "twice")
    again = http.post("/", params={"query_id": "twice"}, content="SELECT 1")
    assert again.headers["x-clickhouse-exception-code"] == "216"
    kill(http, "twice")
    slow.result(20)


def test_above_the_limits_a_request_is_refused_and_kill_gets_through(
    http: httpx.Client, threads: ThreadPoolExecutor
) -> None:
    slow = [start_slow(http, threads, f"full-{i}") for i in range(2)]
    waiting = threads.submit(http.post, "/", content="SELECT 'waited'")
    wait_for(lambda: "tidegate_clickhouse_waiting 1.0" in http.get("/metrics").text)
    refused = http.post("/", content="SELECT 1")
    assert (refused.status_code, refused.headers["x-clickhouse-exception-code"]) == (503, "202")
    assert "Try again later" in refused.text
    kill(http, "full-0")
    assert waiting.result(20).text == "waited\n"
    kill(http, "full-1")
    for future in slow:
        future.result(20)


def test_a_client_that_hangs_up_ends_its_query(server: RunningServer, http: httpx.Client) -> None:
    for output in ("Native", "JSON"):
        query_id = f"gone-{output}"
        sql = SLOW + f" FORMAT {output}"
        path = f"/?query_id={query_id}&user=default&password=secret"
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sql)}"
        with socket.create_connection((server.host, server.port)) as raw:
            raw.sendall(f"{head}\r\n\r\n{sql}".encode())
            wait_for(partial(is_running, http, query_id, True))
        wait_for(partial(is_running, http, query_id, False))


def test_a_slow_reader_of_an_endless_result_holds_little_memory(server: RunningServer, http: httpx.Client) -> None:
    with http.stream(
        "POST", "/", params={"query_id": "endless"}, content="SELECT number FROM system.numbers"
    ) as answer:
        assert answer.status_code == 200
        chunks = answer.iter_raw()
        assert sum(len(next(chunks)) for _ in range(50)) > 0
    wait_for(lambda: running(http, "endless") == [])


def test_what_a_statement_leaves_on_a_connection_is_gone(http: httpx.Client) -> None:
    for sql in ("SET max_block_size = 77", "USE system", "CREATE TEMPORARY TABLE tmp (a UInt8)"):
        assert http.post("/", content=sql).status_code == 200
    for _ in range(4):
        assert (
            http.post("/", content="SELECT currentDatabase(), getSetting('max_block_size') = 77").text == "default\t0\n"
        )
        assert http.post("/", content="SELECT * FROM tmp").status_code == 404


def test_a_client_that_takes_nothing_is_given_up(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "db", ["--client-stall-s", "0.5"]) as stalling:
        sql = "SELECT number FROM system.numbers FORMAT TSV"
        with (
            socket.create_connection((stalling.host, stalling.port)) as raw,
            httpx.Client(base_url=stalling.url) as http,
        ):
            raw.sendall(
                (
                    f"POST /?query_id=stalled HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sql)}\r\n\r\n{sql}"
                ).encode()
            )
            text = 'tidegate_clickhouse_dropped_total{reason="client took nothing"} 1.0'
            wait_for(lambda: text in http.get("/metrics").text)
            wait_for(lambda: "tidegate_clickhouse_running 0.0" in http.get("/metrics").text)
