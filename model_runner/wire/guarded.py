"""A runner's TCP port: connections that come to the model only once they have proved that they know the token."""

import asyncio
import logging
import secrets
from collections.abc import Callable

import msgspec

from model_runner.wire.frames import FrameReader, encode_frame
from model_runner.wire.handshake import (
    MOST_BYTES,
    NONCE_BYTES,
    PATIENCE_S,
    Hello,
    Proof,
    is_gateway,
    welcome,
)
from model_runner.wire.tcp_address import TcpAddress

log = logging.getLogger("model_runner")


class GuardedConnection(asyncio.Protocol):
    """Hands on to the real connection what comes after the handshake."""

    def __init__(self, token: str, make: Callable[[], asyncio.Protocol]) -> None:
        self._token = token
        self._make = make
        self._hello = Hello(secrets.token_bytes(NONCE_BYTES))
        self._reader = FrameReader(MOST_BYTES)
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are no subclasses of asyncio's
        self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, transport.abort)  # type: ignore[attr-defined]
        transport.write(encode_frame(self._hello))  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient_no_more()
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)
            return
        try:
            proofs = [msgspec.msgpack.decode(frame, type=Proof) for frame in self._reader.feed(data)]
        except Exception:  # whatever a decoder makes of bytes that are no handshake
            self._refuse("it speaks something else")
            return
        if len(proofs) > 1:
            # A gateway says nothing more before it is welcome.
            self._refuse("it did not wait for its answer")
        elif proofs:
            self._judge(proofs[0])

    def _judge(self, given: Proof) -> None:
        if not is_gateway(self._token, self._hello, given):
            self._refuse("it does not know the token")
            return
        self._be_patient_no_more()
        assert self._transport is not None  # noqa: S101 - who sends is connected
        self._transport.write(encode_frame(welcome(self._token, self._hello, given)))
        self._inner = self._make()
        self._inner.connection_made(self._transport)

    def _refuse(self, reason: str) -> None:
        if self._transport is not None:
            log.warning("refused a connection from %s: %s", self._transport.get_extra_info("peername"), reason)
            self._transport.abort()

    def _be_patient_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


async def listen(address: TcpAddress, token: str, make: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """Raises OSError: the address cannot be bound."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: GuardedConnection(token, make), address.host, address.port)
