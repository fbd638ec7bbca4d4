"""A number that cannot be handed on is refused by the name of its field; an answer of any size is handed on."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Ext

from gateway.bodies.large_numbers import too_large
from model_runner.errors import ModelError
from model_runner.folder.unwieldy import refuse_unwieldy
from model_runner.schema.large_integers import MOST_BYTES, packed_bytes
from model_runner.wire.frames import FrameReader, Reply, encode_reply, reply_decoder
from model_runner.wire.replies import lie_in
from stream.panes.sampling import sampled_row, values_of
from stream.profiles.build import build_profile, prediction_columns


def test_whole_numbers_beyond_64_bits_are_named() -> None:
    rows = [{"id": 2**64 - 1, "least": -(2**63)}, {"id": 2**64, "least": -(2**63) - 1}, {"deep": [1, {"a": 10**400}]}]
    found = [(problem.row, problem.field) for problem in too_large(rows)]
    assert found == [(1, "id"), (1, "least"), (2, "deep")]
    messages = [problem.message for problem in too_large(rows)]
    assert messages[0].startswith("instances[1].id: a whole number of more than 64 bits; send it as a decimal number")
    assert "null" in messages[2], "no decimal number is as large"
    assert all(message.endswith(", or text") for message in messages)
    assert not any("text" in problem.message for problem in too_large(rows, text_fits=False))


@given(st.lists(st.integers(-(2**1023), 2**1023 - 1) | st.integers(-(2**65), 2**65), min_size=1))
def test_answers_of_any_size_reach_the_gateway_exactly(numbers: list[int]) -> None:
    answers = [{"class": number, "parts": [number, 0.5, True, None]} for number in numbers]
    (frame,) = FrameReader().feed(encode_reply(Reply(1, predictions=answers)))
    found = reply_decoder().decode(frame)
    assert found.predictions == answers
    assert lie_in(found, len(numbers)) is None
    assert json.loads(msgspec.json.encode(found.predictions)) == answers
    assert packed_bytes(answers) > 0


def test_what_floats_do_not_reach_is_no_answer() -> None:
    with pytest.raises(OverflowError, match=r"beyond 1\.8e308"):
        encode_reply(Reply(1, predictions=[2**1023]))
    with pytest.raises(ModelError, match=r"its answers hold a whole number beyond 1\.8e308"):
        refuse_unwieldy("model", "its answers", [10**400], 1000, is_answer=True)


@pytest.mark.parametrize("extension", [Ext(1, bytes(MOST_BYTES + 1)), Ext(2, b"x")])
def test_another_extension_is_a_lie(extension: Ext) -> None:
    frame = msgspec.msgpack.encode([1, None, "", [extension]])
    assert lie_in(reply_decoder().decode(frame), 1) == "a prediction with a Ext in it"


def test_such_answers_are_watched() -> None:
    """As the reference of what is answered, and as rows of which one is learned."""
    answers = [2**64 + row for row in range(200)]
    profile = build_profile(
        {"a": list(range(200))}, prediction_columns(answers), model="m", version=1, source="reference"
    )
    assert profile.n_rows == 200
    row, _ = sampled_row({}, 2**70)
    assert values_of(msgspec.msgpack.decode(msgspec.msgpack.encode(row))["prediction"]) == {"prediction": 2**70}
