"""What gateway and runner say to each other on a socket: length-prefixed msgpack frames, many in flight."""

from collections.abc import Iterator
from typing import Any

import msgspec

from model_runner.schema.large_integers import packable, restored
from model_runner.schema.manner import Manner

MAX_FRAME_BYTES = 256_000_000
"""No sane request is larger: a longer length means that the other side speaks something else."""
MAX_REPLY_BYTES = 64_000_000
"""What a runner may make a gateway hold for one answer."""
_LENGTH_BYTES = 4

PREDICT = "predict"
CANCEL = "cancel"
"""Carries the id of the request that nobody waits for any more; it gets no reply."""
DESCRIBE = "describe"
OWN = "own"
"""What the model itself answers, called as its library says: asked by checks."""
EXPLAIN = "explain"
"""Why the one row is answered otherwise by it: texts in place of predictions."""

BECOME = "become"
"""Whose a process is from now on that was started before it was anybody's. To any other it is an error."""
LOAD = "load"
"""The model may be touched: to a runner that waits for that. Any other is loading already."""
SERVE = "serve"
"""The check is over: from now on it is asked in this manner. OWN and EXPLAIN are answered no more, and what they held
is let go."""

OF_THE_CONNECTION = 0
"""The number of replies that answer no request, and which no request has. Without an error: the runner has taken this
connection on, and what is lost before that came was never read. STOPPING: it leaves, and whatever was not answered
before on this connection was never begun. Both may be asked elsewhere."""

OVERLOADED = "overloaded"
STOPPING = "stopping"
PREDICTION_FAILED = "prediction_failed"
BAD_REQUEST = "bad_request"
UNFIT_VALUE = "unfit_value"


class RunnerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner says about itself."""

    state: str
    """`spare`, `loading`, `ready` or `stopping`."""
    deployment_id: str
    pid: int
    model: str = ""
    """Library, version and class."""
    notes: tuple[str, ...] = ()
    """What is to be said of its file."""
    task: str = ""
    schema: str | None = None
    """The input schema as JSON text."""
    example: dict[str, Any] | None = None
    manner: Manner = Manner()
    comparable: bool = False
    """Whether what OWN answers is another way to the model than PREDICT."""
    load_ms: float = 0.0
    warm_ms: float = 0.0
    waiting: int = 0
    """Requests that wait behind the batch in the model."""
    busy_s: float = 0.0
    """How long the model has been at the batch that it has; 0 when idle."""


class Whose(msgspec.Struct, array_like=True, frozen=True):
    """What a process learns that was nobody's."""

    deployment_id: str
    libraries: tuple[str, ...] = ()
    """To be imported until it may load."""
    own_modules: tuple[str, ...] = ()
    """Of its folder, where they are to be imported as if nothing had been before."""


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One question. `id` is chosen by the client and unique on its connection while in flight."""

    id: int
    op: str
    rows: list[dict[str, Any]] | None = None
    start: int | None = None
    """Of OWN and EXPLAIN: which row of the reference is the first; None where they are not of it."""
    manner: Manner | None = None
    """Of SERVE: what the check found out about how the model is asked."""
    whose: Whose | None = None
    """Of BECOME."""


class Unfit(msgspec.Struct, array_like=True, frozen=True):
    """A value of a request that has the right JSON type and still cannot be given to the model."""

    row: int
    field: str
    problem: str


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """Its answer: `error` is None or a short code, then `message` says more."""

    id: int
    error: str | None = None
    message: str = ""
    predictions: list[Any] | None = None
    model_ms: float = 0.0
    batch_size: int = 0
    info: RunnerInfo | None = None
    unfit: Unfit | None = None
    """Of UNFIT_VALUE."""


_encoder = msgspec.msgpack.Encoder()


def encode_frame(message: msgspec.Struct, most_bytes: int = MAX_FRAME_BYTES) -> bytes:
    """One frame of at most so many bytes.

    Raises:
        OverflowError: it holds an integer of more than 64 bits.
        ValueError: it is longer than a frame may be.
    """
    body = _encoder.encode(message)
    if len(body) > most_bytes:
        raise ValueError(f"a frame of {len(body)} bytes; the most is {most_bytes}")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def encode_reply(reply: Reply) -> bytes:
    """One frame; predictions may hold whole numbers of more than 64 bits.

    Raises:
        OverflowError: one is beyond what floats reach.
        ValueError: it is longer than a reply may be.
    """
    try:
        return encode_frame(reply, MAX_REPLY_BYTES)
    except OverflowError:
        return encode_frame(msgspec.structs.replace(reply, predictions=packable(reply.predictions)), MAX_REPLY_BYTES)


def reply_decoder() -> msgspec.msgpack.Decoder[Reply]:
    """Of what `encode_reply` made, without the length."""
    return msgspec.msgpack.Decoder(Reply, ext_hook=restored)


def id_of(frame: bytes) -> int | None:
    """Of a request that cannot be decoded for what lies behind its id; None where that cannot be read either."""
    if not 0x91 <= frame[0] <= 0x9F:
        return None
    first, *rest = frame[1:10] or b"\xc0"
    if first < 0x80:
        return first
    length = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}.get(first)
    return None if length is None or len(rest) < length else int.from_bytes(rest[:length], "big")


class FrameReader:
    """Cuts a stream of bytes into frames of at most so many bytes."""

    def __init__(self, most_bytes: int = MAX_FRAME_BYTES) -> None:
        self._most = most_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are complete now.

        Raises:
            ValueError: what comes in is no stream of frames.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _LENGTH_BYTES:
            body = start + _LENGTH_BYTES
            length = int.from_bytes(buffer[start:body], "big")
            if length > self._most:
                raise ValueError(f"a frame of {length} bytes; the most is {self._most}")
            if len(buffer) - body < length:
                break
            yield bytes(buffer[body : body + length])
            start = body + length
        del buffer[:start]
