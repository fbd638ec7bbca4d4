"""The gateway's process as the supervisor starts it: settings in, ready, a clean end."""

import contextlib
import socket
import sys
from pathlib import Path

import httpx

from storage.registry.migrate import upgrade
from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.waiting import wait_until


def _ready(url: str) -> int | None:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code
    except httpx.TransportError:
        return None


def test_it_serves_an_empty_registry_and_stops_on_sigterm(tmp_path: Path) -> None:
    port, nobody = free_ports(2)
    database = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    url = f"http://127.0.0.1:{port}"
    env = {
        "TIDEGATE_HOME": str(tmp_path),
        "TIDEGATE_GATEWAY_PORT": str(port),
        "TIDEGATE_KAFKA_BOOTSTRAP": f"127.0.0.1:{nobody}",
        "TIDEGATE_MAX_CONNECTIONS": "16",
    }
    child = Child([sys.executable, "-m", "tidegate.processes.gateway"], tmp_path, "gateway", env)
    child.start()
    try:
        wait_until(lambda: _ready(url) == 503, 20, f"an answer; the log ends: {child.log_tail()}")
        assert "could not be refreshed" in child.log_tail()
        upgrade(database)
        wait_until(lambda: _ready(url) == 200, 5, "readiness once the registry is there")
        answer = httpx.post(f"{url}/v1/models/any/predict", json={})
        assert answer.status_code == 404
        assert "tidegate deploy" in answer.json()["error"]["message"]
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        assert "tidegate_requests_total" in httpx.get(f"{url}/metrics").text
        with contextlib.ExitStack() as stack:
            for begun in [b"", b"POST /v1/models/any/predict HTTP/1.1\r\n"] * 20:
                stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(begun)
            assert httpx.get(f"{url}/healthz").text == "ok\n", "a crowd that says nothing keeps others out"
            assert 'connections_ended_total{reason="too_many"}' in httpx.get(f"{url}/metrics").text
        child.stop(grace_s=15)
        assert not child.running
        assert "Traceback" not in child.log_tail(1_000_000)
    finally:
        child.kill()
