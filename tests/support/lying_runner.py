"""Runners that lie: what a model's code could say on the runner's socket, to whoever listens."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from model_runner.wire.frames import (
    CANCEL,
    DESCRIBE,
    MAX_REPLY_BYTES,
    OF_THE_CONNECTION,
    FrameReader,
    Reply,
    Request,
    RunnerInfo,
    encode_frame,
)

SLOW_S = 0.01
"""Between two bytes of who is slow."""
Lie = Callable[[int], bytes]
"""Given the id of the request, what is said."""


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def honest(request: Request) -> bytes:
    """What a ready runner answers: 1.0 for every row."""
    if request.op == DESCRIBE:
        info = RunnerInfo(state="ready", deployment_id="d-1", pid=1)
        return encode_frame(Reply(request.id, info=info))
    return encode_frame(Reply(request.id, predictions=[1.0] * len(request.rows or ()), model_ms=0.1, batch_size=1))


def _raw(number: int, *fields: object) -> bytes:
    """A reply of any shape."""
    return framed(msgspec.msgpack.encode([number, *fields]))


def _nested(number: int) -> bytes:
    return framed(b"\x94" + bytes([number]) + b"\xc0\xa0" + b"\x91" * 5000 + b"\xc0")


def _extension(number: int) -> bytes:
    return framed(b"\x94" + bytes([number]) + b"\xc0\xa0" + b"\x91\xd4\x05\x00")


LIES: dict[str, Lie] = {
    "a length beyond all bounds": lambda _: b"\xff" * 64,
    "a length just beyond what an answer may have": lambda _: (MAX_REPLY_BYTES + 1).to_bytes(4, "big") + b"x",
    "a length that is too short": lambda number: (3).to_bytes(4, "big") + honest(Request(number, DESCRIBE))[4:],
    "a length that is too long": lambda number: b"\x00\x00\xff\xff" + honest(Request(number, DESCRIBE))[4:],
    "a length of nothing": lambda _: bytes(4),
    "garbage": lambda number: random.Random(number).randbytes(4096),
    "framed garbage": lambda number: framed(random.Random(number).randbytes(4096)),
    "another protocol": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "half an answer": lambda number: honest(Request(number, DESCRIBE))[:-2],
    "nothing at all": lambda _: b"",
    "the answer to another request": lambda number: encode_frame(Reply(number + 1000, predictions=[1.0])),
    "that it took the connection on, again": lambda _: encode_frame(Reply(OF_THE_CONNECTION)),
    "an answer to no request": lambda _: encode_frame(Reply(OF_THE_CONNECTION, "bad_request")),
    "a negative id": lambda _: encode_frame(Reply(-1, predictions=[1.0])),
    "an id of text": lambda _: framed(msgspec.msgpack.encode(["one", None, ""])),
    "a map in place of an answer": lambda number: framed(msgspec.msgpack.encode({"id": number})),
    "text that is no UTF-8": lambda number: framed(b"\x93" + bytes([number]) + b"\xc0\xa4caf\xe9"),
    "an answer that is nested without end": _nested,
    "an unknown type": _extension,
    "more predictions than rows": lambda number: encode_frame(Reply(number, predictions=[1.0] * 7)),
    "no predictions": lambda number: encode_frame(Reply(number)),
    "a time that is no number": lambda number: _raw(number, None, "", [1.0], math.nan, 1),
    "a negative time": lambda number: _raw(number, None, "", [1.0], -1.0, 1),
    "a time beyond all bounds": lambda number: _raw(number, None, "", [1.0], 1.7e308, 1),
    "a batch beyond all bounds": lambda number: _raw(number, None, "", [1.0], 1.0, 2**62),
    "keys that are no text": lambda number: _raw(number, None, "", [{(1, 2): 1.0}], 1.0, 1),
    "a prediction nested too deeply": lambda number: _raw(
        number, None, "", [msgspec.json.decode(b"[" * 200 + b"]" * 200)], 1.0, 1
    ),
}
"""Each makes an answer that none of the readers may take for one, and none may fall over."""


@dataclass
class Liar:
    """A runner's socket whose every request is answered by `says`."""

    path: Path
    says: Callable[[Request], bytes] = honest
    closes: bool = False
    """After the answer."""
    is_slow: bool = False
    connections: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def tells(self, lie: Lie) -> None:
        """From now on."""
        self.says = lambda request: lie(request.id)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        writer.write(encode_frame(Reply(OF_THE_CONNECTION)))
        frames = FrameReader()
        try:
            while data := await reader.read(65_536):
                for frame in frames.feed(data):
                    await self._answer(msgspec.msgpack.decode(frame, type=Request), writer)
                    if self.closes:
                        return
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.op == CANCEL:
            return
        answer = self.says(request)
        for piece in _pieces(answer, 1 if self.is_slow else len(answer) or 1):
            writer.write(piece)
            await writer.drain()
            if self.is_slow:
                await asyncio.sleep(SLOW_S)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def liar(path: Path) -> AsyncIterator[Liar]:
    """It listens at the path, and is honest until it is told otherwise."""
    one = Liar(path)
    server = await asyncio.start_unix_server(one.serve, str(path))
    try:
        yield one
    finally:
        server.close()
        one.hang_up()


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
