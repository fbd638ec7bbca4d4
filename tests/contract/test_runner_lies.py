"""A runner whose process a model's code has taken over: whatever it says, who listens refuses it and goes on."""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.routing.replicas import Replicas
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import (
    RunnerError,
    RunnerFailedError,
    RunnerLiedError,
    RunnerOverloadedError,
    RunnerTimeoutError,
)
from model_runner.wire.frames import Reply, Request, encode_frame
from model_runner.wire.replies import lie_in
from tests.support.lying_runner import LIES, Lie, honest, liar
from tests.support.readiness import wait_ready
from tidegate.parts.probes import not_ready
from tidegate.parts.readiness import AddressReady, HttpReady, SocketReady

ROW = {"x": 1.0}
SHORT_S = 0.15
"""What a request may take here where the liar says nothing that could be judged."""


@pytest.mark.parametrize("name", LIES)
def test_a_client_fails_the_request_and_asks_again(tmp_path: Path, name: str) -> None:
    lies: list[str] = []

    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            client = RunnerClient(one.path, ClientConfig(timeout_s=SHORT_S, reconnect_s=1), on_lie=lies.append)
            one.tells(LIES[name])
            for ask in (lambda: client.predict([ROW]), lambda: client.describe(SHORT_S)):
                with pytest.raises(RunnerError) as raised:
                    await ask()
                assert isinstance(raised.value, RunnerFailedError | RunnerTimeoutError)
                assert (type(raised.value) is RunnerLiedError) <= bool(lies)
            one.hang_up()
            one.says = honest
            async with asyncio.timeout(10):
                # The connection that was hung up may be met once more.
                while True:
                    with contextlib.suppress(RunnerFailedError):
                        assert (await client.predict([ROW])).predictions == [1.0]
                        break
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize("name", ["a length beyond all bounds", "a length just beyond what an answer may have"])
def test_more_than_an_answer_may_have_is_not_waited_for(tmp_path: Path, name: str) -> None:
    """It is refused by its length alone, before any of it is held."""

    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            one.tells(LIES[name])
            client = RunnerClient(one.path, ClientConfig(timeout_s=60, reconnect_s=1))
            with pytest.raises(RunnerLiedError):
                await client.predict([ROW])
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize("name", LIES)
def test_a_probe_says_that_it_is_not_ready(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.parts.probes.TIMEOUT_S", SHORT_S)

    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            one.tells(LIES[name])
            assert await not_ready(SocketReady(one.path)) is not None
            one.says = honest
            assert await not_ready(SocketReady(one.path)) is None

    asyncio.run(run())


def test_who_waits_for_it_is_told_what_it_sent(tmp_path: Path) -> None:
    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            one.tells(LIES["framed garbage"])
            with pytest.raises(RunnerError, match=r"was not ready in 0.1 s: the runner sent bytes that are no answer"):
                await wait_ready(one.path, 0.1)

    asyncio.run(run())


def test_one_that_closes_after_each_answer_is_asked_anew(tmp_path: Path) -> None:
    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            one.closes = True
            client = RunnerClient(one.path)
            answered = 0
            while answered < 5:
                with contextlib.suppress(RunnerFailedError):
                    assert (await client.predict([ROW])).predictions == [1.0]
                    answered += 1
            await client.close()

    asyncio.run(run())


def test_slow_bytes_cost_only_who_waits_for_them(tmp_path: Path) -> None:
    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            one.is_slow = True
            client = RunnerClient(one.path, ClientConfig(timeout_s=20))
            assert (await client.predict([ROW])).predictions == [1.0]
            with pytest.raises(RunnerTimeoutError):
                await client.describe(0.01)
            await client.close()

    asyncio.run(run())


def test_answers_that_nobody_asked_for_end_the_connection_at_the_first(tmp_path: Path) -> None:
    lies: list[str] = []

    async def run() -> None:
        async with liar(tmp_path / "s") as one:
            client = RunnerClient(one.path, on_lie=lies.append)
            extra = encode_frame(Reply(77, predictions=[1.0]))
            one.says = lambda request: honest(request) + extra * 1000
            assert (await client.predict([ROW])).predictions == [1.0]
            assert lies == ["an answer that nobody asked for"]
            # One that was given up may still be answered: that is no lie.
            one.says = lambda _: b""
            with contextlib.suppress(RunnerError):
                await client.describe(0.05)
            one.says = lambda request: honest(request) + honest(Request(request.id - 1, "predict", [ROW]))
            assert (await client.predict([ROW])).predictions == [1.0]
            assert (await client.predict([ROW])).predictions == [1.0]
            assert len(lies) == 2, "but only as often as something was given up"
            await client.close()

    asyncio.run(run())


def test_one_that_reads_nothing_cannot_make_us_hold_all_that_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_runner.wire.client.MOST_UNSENT_BYTES", 1_000_000)

    accepted = []

    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        accepted.append(writer)

    async def run() -> None:
        server = await asyncio.start_unix_server(never, str(tmp_path / "s"))
        client = RunnerClient(tmp_path / "s", ClientConfig(timeout_s=0.01))
        refused = 0
        for _ in range(30):
            try:
                await client.predict([{"x": "y" * 200_000}])
            except RunnerOverloadedError:
                refused += 1
            except RunnerTimeoutError:
                continue
        assert refused > 10
        await client.close()
        for writer in accepted:
            writer.close()
        server.close()

    asyncio.run(run())


def test_replicas_answer_by_those_that_do_not_lie(tmp_path: Path) -> None:
    lies: list[str] = []

    async def run() -> None:
        async with liar(tmp_path / "a") as false, liar(tmp_path / "b") as true:
            addresses = [str(false.path), str(true.path)]
            replicas = Replicas(addresses, ClientConfig(timeout_s=20, reconnect_s=10), on_lie=lies.append)
            false.says = lambda request: (
                honest(request) if request.op == "describe" else LIES["framed garbage"](request.id)
            )
            for _ in range(20):
                assert (await replicas.predict([ROW])).predictions == [1.0]
            assert lies
            await replicas.close()

    asyncio.run(run())


def _mutated(valid: bytes, draw: random.Random) -> bytes:
    """A valid message that something happened to: bits flipped, cut, pieces put in, doubled, swapped with others."""
    data = bytearray(valid)
    for _ in range(draw.randint(1, 4)):
        at, to = sorted(draw.randrange(len(data) + 1) for _ in range(2))
        match draw.randrange(5):
            case 0 if data:
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            case 1:
                del data[at:to]
            case 2:
                data[at:at] = draw.randbytes(draw.randint(1, 8))
            case 3:
                data[at:at] = data[at:to]
            case _:
                other = honest(Request(draw.randrange(300), "describe"))
                data[at:to] = other[: to - at]
    return bytes(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_what_became_of_a_valid_answer_is_an_answer_or_a_lie(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    path = tmp_path / f"{seed}"

    async def run() -> None:
        async with liar(path) as one:
            one.says = lambda request: _mutated(honest(request), draw)
            one.closes = True
            client = RunnerClient(one.path, ClientConfig(timeout_s=20))
            try:
                reply = await client.predict([ROW])
            except RunnerError:
                pass
            else:
                assert lie_in(reply, 1) is None
            assert isinstance(await not_ready(SocketReady(one.path)), str | None)
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize("lie", [LIES["garbage"], LIES["a length beyond all bounds"], LIES["another protocol"]])
def test_who_listens_on_a_port_may_lie_as_well(lie: Lie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.parts.probes.TIMEOUT_S", SHORT_S)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(lie(1).replace(b"200", b"\xff\xfe"))
                await writer.drain()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert await not_ready(HttpReady(port, "/readyz")) is not None
        assert await not_ready(AddressReady(f"tcp://127.0.0.1:{port}", "token")) is not None
        server.close()

    asyncio.run(run())
