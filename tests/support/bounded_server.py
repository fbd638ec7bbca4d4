"""A server whose connections are bounded, as a process of its own: it waits, sends and reads as its paths say."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY
from tests.support.waiting import wait_until
from web.connection_limits import ConnectionLimits
from web.connections import bounded

Message = MutableMapping[str, Any]
under_way: dict[str, int] = {}


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """`/size`: the body's. `/early`: answers before reading. `/wait`: for ever. `/flood`: 100 MB."""
    path = scope["path"]
    under_way[path] = under_way.get(path, 0) + 1
    try:
        size, more = 0, path == "/size"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message["body"]), message["more_body"]
        if path == "/wait":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await send({"type": "http.response.start", "status": 413 if path == "/early" else 200, "headers": []})
        for _ in range(100 if path == "/flood" else 0):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        await send({"type": "http.response.body", "body": json.dumps({"size": size, "busy": under_way}).encode()})
    finally:
        under_way[path] -= 1


@contextmanager
def bounded_server(scratch: Path, limits: ConnectionLimits) -> Iterator[int]:
    """Its port, once it answers."""
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "tests.support.bounded_server", str(port), json.dumps(asdict(limits))]
    child = Child(command, scratch, "bounded", env={"PYTHONPATH": str(REPOSITORY)})
    child.start()
    try:
        wait_until(lambda: _answers(port), 30, f"the server; its log ends: {child.log_tail()}")
        yield port
    finally:
        child.stop()


def busy(port: int, path: str) -> int:
    """Requests for this path that its application has not left."""
    found: int = httpx.get(f"http://127.0.0.1:{port}/busy", timeout=60).json()["busy"].get(path, 0)
    return found


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/size", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("limits", type=json.loads)
    told = parser.parse_args()
    limits = ConnectionLimits(**told.limits)
    config = uvicorn.Config(app, port=told.port, http=bounded(limits), ws="none", lifespan="off", log_level="warning")
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
