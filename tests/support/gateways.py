"""Real gateway processes for tests: the product's application over a file of routes."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx
import uvicorn

from gateway.app import create_app
from gateway.config import GatewayConfig
from gateway.data_plane.inference import RequestLimits
from gateway.edge.cors import cors_of
from gateway.emission.acked_log import AckedLog
from gateway.emission.producing import ProducerConfig
from gateway.routing.routes import Route, RouteTable
from gateway.routing.waking import WakingConfig
from model_runner.wire.client import ClientConfig
from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY
from tests.support.waiting import wait_until
from web.connection_limits import ConnectionLimits
from web.connections import bounded
from web.pages import page_guard


class FileRoutes:
    """Routes as a JSON file: rewritten, they change; removed, the source fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> RouteTable:
        routes = json.loads(self._path.read_text())
        tuples = ("mask", "addresses")
        return RouteTable(tuple(Route(**{**route, **{key: tuple(route[key]) for key in tuples}}) for route in routes))


def write_routes(path: Path, routes: Sequence[Route]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps([asdict(route) for route in routes]))
    new.replace(path)


class GatewayProcess:
    """A gateway that can be killed and started again on the same port."""

    def __init__(self, scratch: Path, bootstrap: str, routes: Sequence[Route], arguments: Sequence[str] = ()) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.routes = scratch / "routes.json"
        self.acked = scratch / "acked.txt"
        write_routes(self.routes, routes)
        command = [sys.executable, "-m", "tests.support.gateways", "--port", str(self.port), "--bootstrap", bootstrap]
        command += ["--routes", str(self.routes), "--acked-log", str(self.acked), *arguments]
        self.child = Child(command, scratch, "gateway", env={"PYTHONPATH": str(REPOSITORY)})

    def start(self) -> None:
        self.child.start()
        wait_until(self._ready, 30, f"the gateway; its log ends: {self.child.log_tail()}")

    def acked_ids(self) -> list[str]:
        """Ids of events that the broker acknowledged."""
        return self.acked.read_text().split() if self.acked.exists() else []

    def metric(self, name: str) -> float:
        """The value of one sample of /metrics, named as it stands there; 0 when it is not there."""
        lines = httpx.get(f"{self.url}/metrics", timeout=60).text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def _ready(self) -> bool:
        assert self.child.running, f"the gateway ended: {self.child.log_tail()}"
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def gateway(
    scratch: Path, bootstrap: str, routes: Sequence[Route], arguments: Sequence[str] = ()
) -> Iterator[GatewayProcess]:
    """A ready gateway; it ends with the block."""
    process = GatewayProcess(scratch, bootstrap, routes, arguments)
    try:
        process.start()
        yield process
    finally:
        process.child.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--routes", type=Path, required=True)
    parser.add_argument("--acked-log", type=Path, required=True)
    parser.add_argument("--buffer-bytes", type=int, default=64_000_000)
    parser.add_argument("--queue", type=int, default=512)
    parser.add_argument("--timeout-s", type=float, default=30.0)
    parser.add_argument("--max-bytes", type=int, default=8_000_000)
    parser.add_argument("--body-buffer-bytes", type=int, default=512_000_000)
    parser.add_argument("--max-instances", type=int, default=10_000)
    parser.add_argument("--flush-s", type=float, default=5.0)
    parser.add_argument("--wake-queue", type=int, default=100)
    parser.add_argument("--wake-timeout-s", type=float, default=30.0)
    parser.add_argument("--refresh-s", type=float, default=0.1)
    parser.add_argument("--most-connections", type=int, default=1000)
    parser.add_argument("--head-s", type=float, default=15.0)
    parser.add_argument("--body-s", type=float, default=30.0)
    parser.add_argument("--keep-alive-s", type=float, default=75.0)
    parser.add_argument("--cors", action="append", default=[])
    told = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    config = GatewayConfig(
        producer=ProducerConfig(bootstrap=told.bootstrap, topic="inference.events", buffer_bytes=told.buffer_bytes),
        limits=RequestLimits(told.max_bytes, told.max_instances, told.body_buffer_bytes),
        runner=ClientConfig(queue=told.queue, timeout_s=told.timeout_s),
        waking=WakingConfig(told.wake_queue, told.wake_timeout_s),
        pages=page_guard("127.0.0.1", has_pages=True),
        cors=cors_of(told.cors),
        refresh_s=told.refresh_s,
        flush_s=told.flush_s,
    )
    app = create_app(config, FileRoutes(told.routes), on_acked=AckedLog(told.acked_log))
    level = os.environ.get("LOG", "warning")
    limits = ConnectionLimits(
        most=told.most_connections, head_s=told.head_s, body_s=told.body_s, keep_alive_s=told.keep_alive_s, look_s=0.2
    )
    uvicorn.run(app, port=told.port, loop="uvloop", http=bounded(limits), access_log=False, log_level=level)


if __name__ == "__main__":
    main()
