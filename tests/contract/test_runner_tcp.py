"""A runner over TCP: who knows the token is answered, everybody else is not, and nobody learns it."""

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerUnavailableError
from model_runner.wire.frames import DESCRIBE, PREDICT, FrameReader, Request, encode_frame
from model_runner.wire.handshake import NONCE_BYTES, Hello, Proof
from tests.support.behaviour import ANSWER, told
from tests.support.models import write_behaving
from tests.support.ports import free_ports
from tests.support.runners import RunnerProcess
from tests.support.waiting import wait_until

TOKEN = "a-token-of-this-deployment"
PATIENT = ClientConfig(reconnect_s=0.3)


@dataclass
class Reached:
    process: RunnerProcess
    address: str
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    scratch = tmp_path_factory.mktemp("tcp")
    (scratch / "token").write_text(f"{TOKEN}\n")
    port = free_ports(1)[0]
    more = ("--listen", f"tcp://:{port}", "--token-file", str(scratch / "token"))
    process = RunnerProcess(write_behaving(scratch / "m"), scratch, arguments=more)
    try:
        process.start()
        wait_until(lambda: "reached by" in process.child.log_tail(), 10, "its port")
        yield Reached(process, f"tcp://127.0.0.1:{port}", port)
    finally:
        process.child.stop()


def ask(address: str, token: str | None) -> object:
    async def once() -> object:
        client = RunnerClient(address, PATIENT, token)
        try:
            return (await client.predict([told(ANSWER)])).predictions
        finally:
            await client.close()

    return asyncio.run(once())


def closed_by_it(connection: socket.socket, within_s: float) -> bool:
    """Whether nothing but the greeting came, and then the end."""
    began = time.monotonic()
    received = b""
    connection.settimeout(within_s)
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    return len(received) < 64 and time.monotonic() - began < within_s


def test_who_knows_the_token_is_answered_as_over_the_socket(runner: Reached) -> None:
    assert ask(runner.address, TOKEN) == [1.0]
    assert ask(str(runner.process.socket), None) == [1.0]


@pytest.mark.parametrize("token", ["another", "", None, TOKEN.upper()])
def test_who_does_not_is_refused_and_told_nothing(runner: Reached, token: str | None) -> None:
    with pytest.raises(RunnerUnavailableError) as refused:
        ask(runner.address, token)
    assert TOKEN not in str(refused.value)
    assert TOKEN not in runner.process.child.log_tail(100_000)


@pytest.mark.parametrize(
    "said",
    [
        encode_frame(Request(1, DESCRIBE)),
        encode_frame(Request(1, PREDICT, [told(ANSWER)])),
        encode_frame(Proof(bytes(NONCE_BYTES), bytes(32))),
        encode_frame(Proof(b"", b"")),
        (1_000_000).to_bytes(4, "big"),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["describe", "predict", "false-proof", "empty-proof", "endless", "http"],
)
def test_nothing_is_answered_before_the_proof(runner: Reached, said: bytes) -> None:
    with runner.connect() as connection:
        connection.sendall(said)
        assert closed_by_it(connection, 3)
    assert ask(runner.address, TOKEN) == [1.0]


def test_who_says_nothing_is_let_go(runner: Reached) -> None:
    with runner.connect() as silent:
        assert closed_by_it(silent, 8)


def test_a_proof_that_was_overheard_is_of_no_use_later(runner: Reached) -> None:
    from model_runner.wire.handshake import proof

    def greeting(connection: socket.socket) -> Hello:
        import msgspec

        return msgspec.msgpack.decode(next(FrameReader().feed(connection.recv(4096))), type=Hello)

    with runner.connect() as first:
        overheard = encode_frame(proof(TOKEN, greeting(first), bytes(NONCE_BYTES)))
        first.sendall(overheard)
        assert first.recv(4096)
    with runner.connect() as second:
        greeting(second)
        second.sendall(overheard)
        assert closed_by_it(second, 3)


def test_a_gateway_asks_no_runner_that_does_not_know_the_token() -> None:
    """Somebody else took the port: the rows must not go there."""

    async def once() -> bytes:
        heard = bytearray()

        async def false_runner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(encode_frame(Hello(bytes(NONCE_BYTES))))
            heard.extend(await reader.read(4096))
            writer.write(encode_frame(Proof(bytes(NONCE_BYTES), bytes(32))))
            heard.extend(await reader.read(4096))
            writer.close()

        server = await asyncio.start_server(false_runner, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = RunnerClient(f"tcp://127.0.0.1:{port}", PATIENT, TOKEN)
        with pytest.raises(RunnerUnavailableError):
            await client.predict([{"secret": 1.0}])
        await client.close()
        server.close()
        return bytes(heard)

    heard = asyncio.run(once())
    assert b"secret" not in heard
    assert TOKEN.encode() not in heard


def test_a_port_without_a_token_is_refused(tmp_path: Path) -> None:
    process = RunnerProcess(write_behaving(tmp_path / "m"), tmp_path, arguments=("--listen", "tcp://:1"))
    process.child.start()
    wait_until(lambda: not process.child.running, 20, "its end")
    assert "--token-file" in process.child.log_tail()


def test_it_binds_the_loopback_unless_told_otherwise(runner: Reached) -> None:
    import psutil

    listening = [
        one.laddr for one in psutil.Process(runner.process.child.pid).net_connections() if one.status == "LISTEN"
    ]
    assert [(one.ip, one.port) for one in listening] == [("127.0.0.1", runner.port)]
