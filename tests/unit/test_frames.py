"""Frames survive however the stream is cut."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runner.wire.frames import MAX_FRAME_BYTES, FrameReader, Request, encode_frame

REQUESTS = [Request(1, "predict", [{"a": 1.5, "b": None}]), Request(2, "cancel"), Request(3, "describe")]


@given(st.lists(st.integers(1, 40), max_size=60))
def test_any_cutting_gives_the_same_frames(cuts: list[int]) -> None:
    stream = b"".join(map(encode_frame, REQUESTS))
    reader = FrameReader()
    found: list[Request] = []
    for size in [*cuts, len(stream)]:
        found += [msgspec.msgpack.decode(frame, type=Request) for frame in reader.feed(stream[:size])]
        stream = stream[size:]
    assert found == REQUESTS


def test_a_length_beyond_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="the most is"):
        list(FrameReader().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big")))
