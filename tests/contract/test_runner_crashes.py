"""What a runner's death costs: the requests in it, and no others."""

import asyncio
import contextlib
import os
import signal
import socket as sockets
from pathlib import Path

import pytest

from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerFailedError, RunnerUnavailableError
from model_runner.wire.frames import OF_THE_CONNECTION, Reply, encode_frame
from tests.support.behaviour import ANSWER, DIE, SLEEP, SLEEP_LONG, told
from tests.support.models import write_behaving
from tests.support.runners import RunnerProcess, runner, until_busy
from tests.support.waiting import wait_until


def test_kill_9_fails_what_was_in_it_and_a_restart_serves_what_waited(tmp_path: Path) -> None:
    async def ask(process: RunnerProcess) -> None:
        client = RunnerClient(process.socket, ClientConfig(reconnect_s=20))
        inside = [asyncio.create_task(client.predict([told(SLEEP_LONG)])) for _ in range(3)]
        await until_busy(client)
        process.child.kill()
        for failed in await asyncio.gather(*inside, return_exceptions=True):
            assert isinstance(failed, RunnerFailedError)
        during = asyncio.create_task(client.predict([told(ANSWER)]))
        await asyncio.to_thread(process.start)
        assert (await during).predictions == [1.0]
        assert (await client.predict([told(ANSWER)])).predictions == [1.0]
        await client.close()

    with runner(write_behaving(tmp_path / "m"), tmp_path) as process:
        asyncio.run(ask(process))


def test_a_model_that_ends_its_process_fails_its_own_batch(tmp_path: Path) -> None:
    async def ask(process: RunnerProcess) -> None:
        client = RunnerClient(process.socket, ClientConfig(reconnect_s=20))
        with pytest.raises(RunnerFailedError, match="went away"):
            await client.predict([told(DIE)])
        wait_until(lambda: not process.child.running, 5, "the runner's end")
        await asyncio.to_thread(process.start)
        assert (await client.predict([told(ANSWER)])).predictions == [1.0]
        await client.close()

    with runner(write_behaving(tmp_path / "m"), tmp_path) as process:
        asyncio.run(ask(process))


def test_without_a_runner_a_request_waits_a_bounded_time(tmp_path: Path) -> None:
    async def ask() -> float:
        client = RunnerClient(tmp_path / "nobody.sock", ClientConfig(reconnect_s=0.3))
        began = asyncio.get_running_loop().time()
        found = await asyncio.gather(*[client.predict([told(ANSWER)]) for _ in range(3)], return_exceptions=True)
        assert all(isinstance(each, RunnerUnavailableError) for each in found)
        await client.close()
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(ask()) < 1.5


def test_sigterm_finishes_what_is_under_way(tmp_path: Path) -> None:
    async def ask(process: RunnerProcess) -> None:
        client = RunnerClient(process.socket)
        slow = asyncio.create_task(client.predict([told(SLEEP)]))
        await until_busy(client)
        behind = asyncio.create_task(client.predict([told(ANSWER)]))
        await client.describe()  # the frame before it has been read
        os.kill(process.child.pid, signal.SIGTERM)
        assert (await slow).predictions == [1.0]
        assert (await behind).predictions == [1.0]
        await client.close()

    with runner(write_behaving(tmp_path / "m"), tmp_path) as process:
        asyncio.run(ask(process))
        wait_until(lambda: not process.child.running, 5, "the runner's end")
        assert not process.socket.exists()


def test_garbage_on_the_socket_costs_only_its_own_connection(tmp_path: Path) -> None:
    with runner(write_behaving(tmp_path / "m"), tmp_path) as process:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x03abc", b"\xff" * 64):
            with sockets.socket(sockets.AF_UNIX) as raw:
                raw.settimeout(5)
                raw.connect(str(process.socket))
                raw.sendall(garbage)
                said = b""
                with contextlib.suppress(ConnectionResetError):
                    while more := raw.recv(4096):
                        said += more
                assert said in {b"", encode_frame(Reply(OF_THE_CONNECTION))}, "taken on, and not answered"

        async def ask() -> None:
            client = RunnerClient(process.socket)
            assert (await client.predict([told(ANSWER)])).predictions == [1.0]
            await client.close()

        asyncio.run(ask())
