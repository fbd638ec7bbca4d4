"""The gateway's application with all its doors, as a process of its own: management, git and the webhook of GitHub."""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from gateway.app import create_app
from gateway.config import GatewayConfig
from gateway.edge.token import Token
from gateway.emission.producing import ProducerConfig
from gateway.git.app import PREFIX, GitApp
from gateway.git.config import GitConfig
from gateway.github.hook_connection import GithubConfig, HookConnection
from gateway.github.webhook import github_router
from gateway.routing.routes import RouteTable
from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY
from tests.support.waiting import wait_until
from web.connection_limits import ConnectionLimits
from web.connections import bounded

TOKEN = "tg_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
SIGNED = "a secret of a webhook"


class _NoRoutes:
    def load(self) -> RouteTable:
        return RouteTable(())


class _Connections:
    def of_repository(self, _repository: str) -> list[HookConnection]:
        return [HookConnection(1, SIGNED, "main", "default", "market")]


@contextmanager
def doors(scratch: Path) -> Iterator[str]:
    """Its URL, once it answers. Its log is `doors.log` in `scratch`."""
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "tests.support.doors", "--port", str(port), "--scratch", str(scratch)]
    child = Child(command, scratch, "doors", env={"PYTHONPATH": str(REPOSITORY)})
    child.start()
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), 30, f"the gateway; its log ends: {child.log_tail()}")
        yield url
    finally:
        child.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    told = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("gateway.kafka").setLevel(logging.CRITICAL)
    token, nobody = Token(TOKEN), told.scratch / "nobody.sock"
    git = GitConfig(root=told.scratch / "git", staging=told.scratch / "staging", deployer=nobody, token=token)
    app = create_app(
        GatewayConfig(ProducerConfig("127.0.0.1:1", "inference.events"), flush_s=0.1),
        _NoRoutes(),
        routers=[github_router(GithubConfig(_Connections(), nobody))],
        mounts={PREFIX: GitApp(git)},
        token=token,
    )
    limits = ConnectionLimits()
    uvicorn.run(app, port=told.port, loop="uvloop", http=bounded(limits), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
