"""The product's git remote alone, in a process of its own: nothing goes live there, since there is no deployer."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn

from gateway.edge.token import Token
from gateway.git.app import PREFIX, GitApp
from gateway.git.config import GitConfig
from gateway.git.repositories import write_hooks
from model_runner.folder.bounds import FolderBounds
from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY
from tests.support.waiting import wait_until
from web.asgi import Receive, Scope, Send
from web.connection_limits import ConnectionLimits
from web.connections import bounded

TOKEN = "tg_test"


class GitServer:
    """Keep `port` to start it again in the same place."""

    def __init__(
        self,
        scratch: Path,
        max_bytes: int = 2_000_000_000,
        port: int | None = None,
        *,
        bounds: FolderBounds | None = None,
        max_repository_bytes: int = 20_000_000_000,
    ) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self.port = port or free_ports(1)[0]
        self.root = scratch / "git"
        command = [sys.executable, "-m", "tests.support.git_server", "--port", str(self.port)]
        command += ["--scratch", str(scratch), "--max-bytes", str(max_bytes)]
        command += ["--bounds", msgspec.json.encode(bounds or FolderBounds()).decode()]
        command += ["--max-repository-bytes", str(max_repository_bytes)]
        self.child = Child(command, scratch, "git-server", env={"PYTHONPATH": str(REPOSITORY)})

    def url(self, model: str, token: str | None = TOKEN) -> str:
        user = "" if token is None else f"git:{token}@"
        return f"http://{user}127.0.0.1:{self.port}/git/default/{model}.git"

    def start(self) -> None:
        self.child.start()
        wait_until(self._answers, 30, f"the git server; its log ends: {self.child.log_tail()}")

    def _answers(self) -> bool:
        assert self.child.running, f"the git server ended: {self.child.log_tail()}"
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/git/", timeout=2).status_code == 401
        except httpx.TransportError:
            return False


@contextmanager
def git_server(scratch: Path, max_bytes: int = 2_000_000_000, **given: Any) -> Iterator[GitServer]:
    """A ready one; it ends with the block."""
    server = GitServer(scratch, max_bytes, **given)
    try:
        server.start()
        yield server
    finally:
        server.child.stop()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--max-bytes", type=int, required=True)
    parser.add_argument("--bounds", required=True)
    parser.add_argument("--max-repository-bytes", type=int, required=True)
    told = parser.parse_args()
    config = GitConfig(
        root=told.scratch / "git",
        staging=told.scratch / "staging",
        deployer=told.scratch / "nobody.sock",
        token=Token(TOKEN),
        max_bytes=told.max_bytes,
        bounds=msgspec.json.decode(told.bounds, type=FolderBounds),
        max_repository_bytes=told.max_repository_bytes,
    )
    write_hooks(config)
    remote = GitApp(config)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith(PREFIX)
        await remote(scope, receive, send)

    uvicorn.run(
        app, port=told.port, loop="uvloop", http=bounded(ConnectionLimits()), lifespan="off", log_level="warning"
    )


if __name__ == "__main__":
    main()
