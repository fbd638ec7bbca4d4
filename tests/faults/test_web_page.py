"""A web page that sends to every port of a running stack what a browser lets it: nothing is read, nothing changes."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, TopicPartition

from storage.clickhouse.client import connect
from tests.support.models import FEATURES, write_classifier
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

PAGE = "evil.example"
NO_SUCH_METHOD = (405, 501)
BODY = json.dumps({"instances": [dict.fromkeys(FEATURES, 1.0)]})
TABLES = "SELECT database, name FROM system.tables WHERE database NOT IN ('system', 'INFORMATION_SCHEMA') ORDER BY ALL"


@dataclass(frozen=True)
class Trick:
    """What a browser says for a page: never more than the page may make it say without being asked."""

    name: str
    method: str
    headers: dict[str, str]
    body: str = ""


def tricks(port: int) -> list[Trick]:
    form = {"content-type": "application/x-www-form-urlencoded"}
    text = {"content-type": "text/plain"}
    multipart = {"content-type": "multipart/form-data; boundary=B"}
    parts = (
        '--B\r\nContent-Disposition: form-data; name="query"\r\n\r\nCREATE TABLE pwned (a Int8) ENGINE = Log\r\n--B--'
    )
    cross = {"origin": f"https://{PAGE}", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    rebound = {"host": f"{PAGE}:{port}"}
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    return [
        Trick("an image", "GET", {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}),
        Trick("an image of a page on another port", "GET", {"sec-fetch-site": "same-site"}),
        Trick("a fetch", "GET", cross),
        Trick("text", "POST", cross | text, BODY),
        Trick("text of an old browser", "POST", {"origin": f"http://{PAGE}"} | text, BODY),
        Trick("text of a sandboxed frame", "POST", {"origin": "null", "sec-fetch-site": "cross-site"} | text, BODY),
        Trick("text of a page on another port", "POST", {"origin": "http://127.0.0.1:3000"} | text, BODY),
        Trick("a form", "POST", cross | form, "query=DROP+TABLE+inference_events"),
        Trick("a form of many parts", "POST", cross | multipart, parts),
        Trick("a rebound name", "GET", rebound),
        Trick("text to a rebound name", "POST", rebound | text | {"origin": f"http://{PAGE}:{port}"}, BODY),
        Trick("a fetch of a rebound name", "GET", rebound | {"sec-fetch-site": "same-origin"}),
        Trick("a preflight", "OPTIONS", cross | preflight),
        Trick("a preflight of a rebound name", "OPTIONS", rebound | preflight),
    ]


def paths(stack: RunningStack) -> list[str]:
    """Of all parts; with the database's password, as if the page had got hold of it."""
    sql = "CREATE+TABLE+pwned+(a+Int8)+ENGINE=Log"
    password = stack.settings.clickhouse_dsn.partition("://")[2].partition("@")[0].partition(":")[2]
    return [
        *("/", "/healthz", "/readyz", "/metrics", "/ping", "/v1/models", "/v1/models/market/predict"),
        *("/v1/models/market/openapi.json", "/api/v1/models", "/api/v1/jobs", "/api/v1/models/market/rollback"),
        *("/git/market.git/info/refs?service=git-receive-pack", "/git/market.git/git-receive-pack", "/hooks/github"),
        *(f"/?user=default&password={password}&query={sql}", f"/?user=default&password={password}&query=SELECT+1"),
        f"/?user=default&password={password}&session_id=s&query=SELECT+name+FROM+system.tables",
    ]


def listening(stack: RunningStack) -> list[int]:
    """Every TCP port of every process of the stack, so that none is forgotten."""
    found: set[int] = set()
    for pid in stack.running():
        with suppress(psutil.NoSuchProcess):  # a command that had ended by now
            connections = psutil.Process(pid).net_connections("tcp")
            found |= {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    return sorted(found)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp("page")
    with running_stack(folder) as started:
        started.json("deploy", str(write_classifier(folder / "model")))
        yield started


@dataclass(frozen=True)
class State:
    """What a page could have changed."""

    events: int
    records: int
    tables: list[Any]
    deployments: Any
    jobs: Any


def state(stack: RunningStack) -> State:
    settings = stack.settings
    client = connect(settings.clickhouse_dsn, settings.clickhouse_database)
    try:
        events = client.query("SELECT count() FROM inference_events").result_rows[0][0]
        tables = list(client.query(TABLES).result_rows)
    finally:
        client.close()
    return State(
        events, records(stack), tables, stack.json("deployments", "market")["deployments"], stack.json("jobs")["jobs"]
    )


def records(stack: RunningStack) -> int:
    """In the topic of the events."""
    given = {"bootstrap.servers": f"127.0.0.1:{stack.settings.broker_port}", "group.id": "count"}
    consumer = Consumer(given)
    try:
        partitions = consumer.list_topics("inference.events", 30).topics["inference.events"].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition("inference.events", each), 30) for each in partitions]
        return sum(high for _, high in ends)
    finally:
        consumer.close()


def predict(stack: RunningStack, stored: int) -> None:
    """One prediction of an honest client, seen in the database."""
    url = f"{stack.gateway_url}/v1/models/market/predict"
    httpx.post(url, content=BODY, headers={"content-type": "application/json"}, timeout=60).raise_for_status()
    wait_until(lambda: state(stack).events >= stored, 90, "the prediction to be stored", 0.5)


def test_a_web_page_reads_nothing_and_changes_nothing(stack: RunningStack) -> None:
    predict(stack, 1)
    before = state(stack)
    broker, ports = stack.settings.broker_port, listening(stack)
    assert {stack.settings.gateway_port, broker, stack.settings.clickhouse_port} <= set(ports)
    assert len(ports) >= 6, "gateway, broker, ClickHouse and the monitors"
    refused = 0
    for port in ports:
        if port == broker:
            assert [answer_of(port, trick) for trick in tricks(port)] == [b""] * len(tricks(port))
            continue
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for path in paths(stack):
                refused += sum(is_refused(client, path, trick) for trick in tricks(port))
    assert refused == (len(ports) - 1) * len(paths(stack)) * len(tricks(0))
    predict(stack, before.events + 1)
    after = state(stack)
    assert after == State(before.events + 1, before.records + 1, before.tables, before.deployments, before.jobs)
    stack.tidegate("status")


def is_refused(client: httpx.Client, path: str, trick: Trick) -> bool:
    """With its reason, and nothing that a page could read or that lets it go on."""
    answer = client.request(trick.method, path, headers=trick.headers, content=trick.body)
    where = f"{trick.name}: {trick.method} {client.base_url}{path}: {answer.status_code} {answer.text[:300]}"
    # What serves health and metrics knows GET alone, and says so to whoever asks otherwise.
    assert answer.status_code == 403 or (answer.status_code in NO_SUCH_METHOD and trick.method != "GET"), where
    assert not [name for name in answer.headers if name.startswith("access-control-")], where
    assert len(answer.content) < 1000, where
    assert "market" not in answer.text, where
    return True


def answer_of(port: int, trick: Trick) -> bytes:
    """All that the broker says before it closes."""
    lines = [f"{trick.method} / HTTP/1.1", *(f"{name}: {value}" for name, value in trick.headers.items())]
    text = "\r\n".join([*lines, f"content-length: {len(trick.body)}", "", trick.body])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while piece := connection.recv(1 << 16):
            got += piece
    return got
