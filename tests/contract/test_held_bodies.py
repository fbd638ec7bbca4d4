"""Bodies of requests share one budget of memory and keep a pace, on real sockets and with a clock of the test's own."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.held_bodies import HeldBodies, HeldBody, Pace
from gateway.refusals import Refusal
from gateway.requests import Headers, read_body
from gateway.routes import Route
from tests.support.doors import doors
from tests.support.gateways import GatewayProcess, gateway
from tests.support.raw_answers import whole_answer
from tests.support.waiting import wait_until

NO_HEADERS = Headers(None, None, None)
FULL = b'"bodies_full"'
REFUSED = 'tidegate_bodies_refused_total{door="predict",reason="%s"}'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """No runner is behind it, and no broker: what is asked here comes before either."""
    scratch = tmp_path_factory.mktemp("bodies")
    route = Route(
        workspace="default", model="m", version=1, deployment_id="d-1", addresses=(str(scratch / "nobody.sock"),)
    )
    with gateway(scratch, "127.0.0.1:1", [route], ["--body-buffer-bytes", "3000000"]) as process:
        yield process


def _begin(port: int, path: str, length: int, sent: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    with contextlib.suppress(ConnectionError):  # refused before its end
        connection.sendall(f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {length}\r\n\r\n".encode())
        connection.sendall(b" " * sent)
    return connection


def _crowd(stack: contextlib.ExitStack, port: int, path: str, length: int, most: int) -> tuple[bytes, int]:
    """Bodies that are never ended, until one is refused for lack of room: what it was told, and which it was."""
    crowd: list[socket.socket] = []
    while len(crowd) < most:
        crowd.append(stack.enter_context(_begin(port, path, length, length - 1)))
        crowd[-1].settimeout(0.5)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            return whole_answer(crowd[-1]), len(crowd)
    pytest.fail(f"{most} bodies of {length} bytes were held")


def test_bodies_share_one_budget(served: GatewayProcess) -> None:
    with contextlib.ExitStack() as stack:
        refused, nth = _crowd(stack, served.port, "/v1/models/m/predict", 800_000, 30)
        assert nth > 3
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert FULL in refused
        assert b"\r\nretry-after: 1\r\n" in refused
        assert served.metric(REFUSED % "full") >= 1
    # When those that went away have been let go, one that is alone fits, whatever the budget is: it is no JSON.
    wait_until(lambda: _large(served) == 400, 30, "room")


def _large(served: GatewayProcess) -> int:
    body = b"[" + b" " * 7_000_000
    return httpx.post(f"{served.url}/v1/models/m/predict", content=body, timeout=60).status_code


def test_a_body_that_stops_is_not_held(served: GatewayProcess) -> None:
    with _begin(served.port, "/v1/models/m/predict", 800_000, 700_000) as stopped:
        told = whole_answer(stopped)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b'"body_timeout"' in told
    assert served.metric(REFUSED % "slow") >= 1


def test_deliveries_share_a_smaller_one(tmp_path: Path) -> None:
    with doors(tmp_path) as url, contextlib.ExitStack() as stack:
        port = httpx.URL(url).port
        assert port is not None
        refused, nth = _crowd(stack, port, "/hooks/github", 26_000_000, 30)
    assert nth > 3
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in refused


class Sender:
    """An ASGI `receive` whose pieces are given one by one."""

    def __init__(self, first: bytes) -> None:
        self.pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.send(first)

    def send(self, piece: bytes, more: bool = True) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    async def reading(self, held: HeldBody) -> bytes:
        return await read_body(self.pieces.get, NO_HEADERS, 1_000_000, held)


def test_the_one_that_drips_makes_room_for_others() -> None:
    async def scenario() -> None:
        bodies = HeldBodies("predict", 1000, Pace(seconds=600, least_bytes=100, hurried_s=0.0))
        with bodies.hold() as one, bodies.hold() as other:
            drips, comes = Sender(b"x" * 900), Sender(b"x" * 200)
            dripping = asyncio.create_task(drips.reading(one))
            await asyncio.sleep(0.1)
            with pytest.raises(Refusal, match="try again shortly") as refused:
                await comes.reading(other)
            assert refused.value.status == 503
            with pytest.raises(Refusal) as gave_way:
                await dripping
            assert (gave_way.value.status, gave_way.value.code) == (503, "bodies_full")
        assert bodies.size == 0
        with bodies.hold() as again:
            whole = Sender(b"x" * 200)
            whole.send(b"y" * 700, more=False)
            assert len(await whole.reading(again)) == 900
            assert bodies.size == 900
        assert bodies.size == 0

    asyncio.run(scenario())


def test_whoever_keeps_the_pace_gets_more_time() -> None:
    async def scenario() -> None:
        bodies = HeldBodies("predict", 1_000_000, Pace(seconds=600, least_bytes=100))
        with bodies.hold() as held:
            async with held.paced():
                assert held.timeout is not None
                ends = held.timeout.when() or 0.0
                await asyncio.sleep(0.05)
                held.add(99)
                held.keeps_pace()
                assert held.timeout.when() == ends, "a byte too few"
                held.add(1)
                held.keeps_pace()
                assert (held.timeout.when() or 0.0) > ends
            assert held.timeout is None

    asyncio.run(scenario())


def test_what_was_unpacked_counts() -> None:
    import zlib

    async def scenario() -> None:
        bodies = HeldBodies("predict", 100_000)
        packer = zlib.compressobj(wbits=31)
        packed = packer.compress(bytes(90_000)) + packer.flush()
        with bodies.hold() as one, bodies.hold() as other:
            headers = Headers(None, None, b"gzip")
            for held, fits in ((one, True), (other, False)):
                sender = Sender(b"")
                sender.pieces.get_nowait()
                sender.send(packed, more=False)
                with contextlib.nullcontext() if fits else pytest.raises(Refusal, match="try again"):
                    await read_body(sender.pieces.get, headers, 1_000_000, held)

    asyncio.run(scenario())
