"""Frames between gateway, runners and deployer."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec

from gateway.deployer.protocol import (
    Cancel,
    Deliver,
    Ended,
    Follow,
    FromDeployer,
    Line,
    Submit,
    Taken,
    ToDeployer,
)
from gateway.deployer.protocol import encode as deployer_frame
from model_runner.decode_errors import UNREADABLE
from model_runner.wire.frames import FrameReader, Reply, Request, RunnerInfo, encode_frame
from model_runner.wire.guarded import GuardedConnection
from model_runner.wire.handshake import NONCE_BYTES, Hello, Welcome, proof
from tests.support.decoders.samples import ROW
from tests.support.fuzzing import Decoder
from tidegate.candidates import protocol
from tidegate.deployer.jobs import messages


def frames(runner: asyncio.Runner) -> Iterator[Decoder]:
    asked = encode_frame(Request(7, "predict", [ROW, ROW]))
    info = RunnerInfo(state="ready", deployment_id="d-1", pid=1, model="m", example=ROW)
    answers = [encode_frame(Reply(7, predictions=[0.5, "a"], model_ms=1.0)), encode_frame(Reply(8, info=info))]
    yield Decoder("runner: requests", [asked, asked * 2], _framed(Request), UNREADABLE)
    yield Decoder("gateway: a runner's replies", answers, _framed(Reply), UNREADABLE)
    sent = proof("token", Hello(bytes(NONCE_BYTES)), bytes(NONCE_BYTES))
    yield Decoder("runner: handshake", [encode_frame(sent)], lambda data: runner.run(_meet(data)))
    welcomes = [encode_frame(Welcome(bytes(32))), encode_frame(Hello(bytes(NONCE_BYTES)))]
    yield Decoder("gateway: handshake", welcomes, _framed(Welcome), UNREADABLE)
    submit = Submit(
        workspace="default",
        model="m",
        branch="main",
        preview=False,
        commit="6d" * 20,
        before="00" * 20,
        folder="/f",
        received_s=0.5,
        repository="/r",
        pusher=1,
        url="http://127.0.0.1:8700",
    )
    to: list[ToDeployer] = [
        submit,
        Deliver(connection=1, delivery="d", commit="6d" * 20, branch="b", preview=True),
        Follow(7, 3),
        Cancel(7),
    ]
    said: list[FromDeployer] = [Taken(7), Line(1, "load"), Ended(7, "failed", "no")]
    yield Decoder("deployer: orders", [deployer_frame(one) for one in to], _framed(ToDeployer), UNREADABLE)
    yield Decoder(
        "gateway: the deployer's answers", [deployer_frame(one) for one in said], _framed(FromDeployer), UNREADABLE
    )
    live = messages.encode(messages.StageIsDone(name="load", seconds=0.5, detail="a pipeline"))
    asked_of = messages.encode(
        messages.Prepare(folder="/f", received_s=0.5, workspace="w", model="m", deployment_id="d", url="u")
    )
    yield Decoder("deployer: a worker's orders", [asked_of, asked_of], messages.decode_order, UNREADABLE)
    start = protocol.Start(deployment_id="d", workspace="w", model="m", folder="/f", files=("model.pkl",))
    wishes = [protocol.encode(each) for each in (start, protocol.Keep("ab"))]
    yield Decoder("deployer: wishes for a candidate", wishes, protocol.decode_order, UNREADABLE)
    ended = protocol.Ended(code=1, said="no", out_of_memory=False)
    yield Decoder(
        "deployer: what becomes of a candidate",
        [protocol.encode(ended)],
        protocol.decode_answer,
        UNREADABLE,
    )
    yield Decoder("deployer: a worker's answers", [live], messages.decode_answer, UNREADABLE)


def _framed(shape: Any) -> Callable[[bytes], None]:
    decoder = msgspec.msgpack.Decoder(shape)

    def read(data: bytes) -> None:
        for frame in FrameReader().feed(data):
            decoder.decode(frame)

    return read


class _Transport:
    """Takes what is written."""

    def write(self, data: bytes) -> None:
        """Nothing listens."""

    def abort(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, name: str) -> str:
        return name


async def _meet(data: bytes) -> None:
    connection = GuardedConnection("token", asyncio.Protocol)
    connection.connection_made(cast(Any, _Transport()))
    connection.data_received(data)
    connection.connection_lost(None)
