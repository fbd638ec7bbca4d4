"""Asks one process whether it is ready. Nothing is kept open between two questions."""

import asyncio
from pathlib import Path

import msgspec

from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerError
from model_runner.wire.frames import DESCRIBE, OF_THE_CONNECTION, FrameReader, Reply, Request, encode_frame
from model_runner.wire.replies import shortened
from tidegate.parts.readiness import AddressReady, ExitReady, HttpReady, Readiness, SocketReady, TcpReady

TIMEOUT_S = 2.0
MOST_BYTES = 65_536
"""Of an answer over HTTP."""
MOST_INFO_BYTES = 16_000_000
"""Of what a runner says of itself: thousands of features with an example."""


async def not_ready(readiness: Readiness) -> str | None:
    """None when it is ready, else what it waits for."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await _ask(readiness)
    except TimeoutError:
        return f"no answer in {TIMEOUT_S:g} s"
    except OSError as error:
        return error.strerror or type(error).__name__
    except Exception as error:
        # Whatever it says: who asks watches over it, and must not end by an answer.
        return f"an answer that makes sense ({type(error).__name__}: {shortened(str(error))})"


async def _ask(readiness: Readiness) -> str | None:
    match readiness:
        case TcpReady(port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await _close(writer)
            return None
        case HttpReady(port, path):
            return await _get(port, path)
        case SocketReady(path, state):
            return await _ask_runner(path, state)
        case AddressReady(address, token):
            return await _ask_address(address, token)
        case ExitReady():
            return "its end"


async def _get(port: int, path: str) -> str | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        answer = b""
        while len(answer) < MOST_BYTES and (more := await reader.read(MOST_BYTES)):
            answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1:2]
        if status == [b"200"]:
            return None
        return body.decode(errors="replace").strip()[:200] or f"status {status[0].decode() if status else 'missing'}"
    finally:
        await _close(writer)


async def _ask_runner(path: Path, state: str) -> str | None:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(encode_frame(Request(1, DESCRIBE)))
        await writer.drain()
        frames = FrameReader(MOST_INFO_BYTES)
        while data := await reader.read(65_536):
            for frame in frames.feed(data):
                reply = msgspec.msgpack.decode(frame, type=Reply)
                if reply.id == OF_THE_CONNECTION:
                    continue
                return None if reply.info is not None and reply.info.state == state else "its model"
        return "an answer on its socket"
    finally:
        await _close(writer)


async def _ask_address(address: str, token: str) -> str | None:
    client = RunnerClient(address, ClientConfig(reconnect_s=0.0), token)
    try:
        return None if (await client.describe(TIMEOUT_S)).state == "ready" else "its model"
    except RunnerError as error:
        return str(error)
    finally:
        await client.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return
