"""Bodies of requests share one budget of memory, on real sockets and with a sender of the test's own."""

import asyncio
import base64
import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.bodies.held import HeldBodies, HeldBody, Hurry
from gateway.bodies.requests import Headers, read_body
from gateway.refusals import Refusal
from gateway.routing.routes import Route
from tests.support.doors import TOKEN, doors
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
    with gateway(scratch, "127.0.0.1:1", [route], ["--body-buffer-bytes", "3000000", "--body-s", "10"]) as process:
        yield process


def _begin(port: int, path: str, length: int, sent: int, head: str = "") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    with contextlib.suppress(ConnectionError):  # refused before its end
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {length}\r\n{head}\r\n".encode()
        )
        connection.sendall(b" " * sent)
    return connection


def _crowd(
    stack: contextlib.ExitStack, port: int, path: str, length: int, most: int, head: str = ""
) -> tuple[bytes, int]:
    """Bodies that are never ended, until one is refused for lack of room: what it was told, and which it was."""
    crowd: list[socket.socket] = []
    while len(crowd) < most:
        crowd.append(stack.enter_context(_begin(port, path, length, length - 1, head)))
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


def test_a_body_that_stops_is_not_held_and_one_that_comes_slowly_is(served: GatewayProcess) -> None:
    """For longer than a body may bring nothing, far below the pace at which one keeps its room against others."""
    path = "/v1/models/m/predict"
    with _begin(served.port, path, 800_000, 700_000) as stopped, _begin(served.port, path, 12_000, 0) as slow:
        for _ in range(12):
            time.sleep(1.0)
            slow.sendall(b" " * 1_000)
        told = whole_answer(stopped)
        answer = whole_answer(slow)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"1000 bytes" in told
    assert answer.startswith(b"HTTP/1.1 400 "), "it is no JSON"
    assert b'"invalid_json"' in answer


def test_deliveries_share_a_smaller_one(tmp_path: Path) -> None:
    with doors(tmp_path) as url, contextlib.ExitStack() as stack:
        port = httpx.URL(url).port
        assert port is not None
        refused, nth = _crowd(stack, port, "/hooks/github", 26_000_000, 30)
    assert nth > 3
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in refused


MANAGE = "/api/v1/models/m/traffic"
WITH_TOKEN = f"authorization: Bearer {TOKEN}\r\n"


def test_bodies_behind_the_token_are_bounded_each_and_together(tmp_path: Path) -> None:
    with doors(tmp_path) as url:
        port = httpx.URL(url).port
        assert port is not None
        with contextlib.ExitStack() as stack:
            refused, nth = _crowd(stack, port, MANAGE, 900_000, 30, WITH_TOKEN)
            assert nth > 3
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert FULL in refused
            basic = base64.b64encode(f"git:{TOKEN}".encode()).decode()
            path = "/git/default/m.git/info/lfs/objects/batch"
            refused, nth = _crowd(stack, port, path, 7_900_000, 30, f"authorization: Basic {basic}\r\n")
            assert nth > 3
            assert refused.startswith(b"HTTP/1.1 503 "), "what Git LFS asks has a budget too"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        chunks = iter([b" " * 100_000] * 50)
        large = httpx.post(f"{url}{MANAGE}", content=chunks, headers=headers, timeout=60)
        assert large.status_code == 413
        wait_until(lambda: _asked(url, headers) == 404, 30, "room, and an answer: there is no such model")
        foreign = httpx.post(f"{url}{MANAGE}", content=b" " * 2_000_000, timeout=60)
        assert foreign.status_code == 401, "without the token nothing of it is read"


def _asked(url: str, headers: dict[str, str]) -> int:
    return httpx.post(f"{url}{MANAGE}", json={"shares": []}, headers=headers, timeout=60).status_code


class Sender:
    """An ASGI `receive` whose pieces are given one by one."""

    def __init__(self, first: bytes) -> None:
        self.pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.send(first)

    def send(self, piece: bytes, more: bool = True) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    async def reading(self, held: HeldBody) -> bytes:
        return await read_body(self.pieces.get, NO_HEADERS, 1_000_000, held)


def test_those_that_drip_make_room_for_others() -> None:
    """For the one that comes, not only for the next; and however many they are."""

    async def scenario() -> None:
        bodies = HeldBodies("predict", 1000, Hurry(after_s=0.05, bytes_a_second=1_000_000))
        with contextlib.ExitStack() as stack:
            drips = [Sender(b"x" * 300) for _ in range(3)]
            dripping = [asyncio.create_task(each.reading(stack.enter_context(bodies.hold()))) for each in drips]
            await asyncio.sleep(0.1)
            comes = Sender(b"y" * 100)
            comes.send(b"y" * 800, more=False)
            assert len(await comes.reading(stack.enter_context(bodies.hold()))) == 900
            for each in dripping:
                with pytest.raises(Refusal, match="try again shortly") as gave_way:
                    await each
                assert (gave_way.value.status, gave_way.value.code) == (503, "bodies_full")
            assert bodies.size == 900
        assert bodies.size == 0

    asyncio.run(scenario())


def test_where_none_is_slow_the_first_gives_way_after_its_time_and_before_it_nobody() -> None:
    async def scenario(after_s: float) -> list[int]:
        bodies = HeldBodies("predict", 1000, Hurry(after_s=after_s, bytes_a_second=0))
        with contextlib.ExitStack() as stack:
            tasks = []
            for size in (500, 400, 200):
                sender = Sender(b"x" * size)
                tasks.append(asyncio.create_task(sender.reading(stack.enter_context(bodies.hold()))))
                await asyncio.sleep(0.05)
            ended = [number for number, each in enumerate(tasks) if each.done()]
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return ended

    assert asyncio.run(scenario(0.0)) == [0]
    assert asyncio.run(scenario(600.0)) == [2]


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
