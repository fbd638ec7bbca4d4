"""Compressed bodies: what is taken, and that what becomes too large or never ends is refused early."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.bodies.compressed import unpacked
from gateway.refusals import Refusal

MOST = 100_000
PACK: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"zstd": zstandard.compress}
CODINGS = pytest.mark.parametrize("coding", list(PACK))


def refusal(body: bytes, coding: bytes) -> Refusal:
    with pytest.raises(Refusal) as refused:
        unpacked(body, coding, MOST)
    return refused.value


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=5), st.sampled_from(list(PACK)))
def test_what_was_packed_comes_back(parts: list[bytes], coding: bytes) -> None:
    assert unpacked(b"".join(map(PACK[coding], parts)), coding, MOST) == b"".join(parts)


@pytest.mark.parametrize("coding", [b"GZIP", b" gzip ", b"x-gzip"])
def test_its_name_is_read_as_the_standard_says(coding: bytes) -> None:
    assert unpacked(gzip.compress(b"{}"), coding, MOST) == b"{}"


@CODINGS
def test_as_much_as_a_plain_body_may_have_and_no_more(coding: bytes) -> None:
    assert len(unpacked(PACK[coding](b"x" * MOST), coding, MOST)) == MOST
    refused = refusal(PACK[coding](b"x" * (MOST + 1)), coding)
    assert (refused.status, refused.code) == (413, "body_too_large")
    assert "100000 bytes (TIDEGATE_MAX_REQUEST_BYTES)" in refused.message


@CODINGS
def test_a_bomb_is_given_up_after_a_piece_of_it(coding: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked_bytes = 0

    class Counted:
        def __init__(self, state: Any) -> None:
            self._state = state

        def decompress(self, piece: bytes) -> bytes:
            nonlocal unpacked_bytes
            found: bytes = self._state.decompress(piece)
            unpacked_bytes += len(found)
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(self._state, name)

    known = __import__("gateway.bodies.compressed", fromlist=["_KNOWN"])._KNOWN
    begin = known[coding].begin
    monkeypatch.setitem(known, coding, known[coding]._replace(begin=lambda: Counted(begin())))
    assert refusal(PACK[coding](b"\0" * 200_000_000), coding).status == 413
    assert unpacked_bytes < MOST + 20_000_000


@pytest.mark.parametrize(
    ("body", "coding", "says"),
    [
        (gzip.compress(b"x" * 1000, mtime=0)[:-1], b"gzip", "cut off"),
        (zstandard.compress(b"x" * 1000)[:-1], b"zstd", "cut off"),
        (b"", b"gzip", "cut off"),
        (b"", b"zstd", "cut off"),
        (b'{"a": 1}', b"gzip", "incorrect header"),
        (b'{"a": 1}', b"zstd", "Unknown frame descriptor"),
        (gzip.compress(b"{}", mtime=0) + b"more", b"gzip", "incorrect header"),
        (gzip.compress(b"", mtime=0) * 1001, b"gzip", "more than 1000 members"),
        (zstandard.compress(b"") * 1001, b"zstd", "more than 1000 members"),
    ],
)
def test_what_is_none_is_a_fault_of_the_caller(body: bytes, coding: bytes, says: str) -> None:
    refused = refusal(body, coding)
    assert (refused.status, refused.code) == (400, "invalid_compression")
    assert says in refused.message


def test_a_frame_that_asks_for_more_memory_than_the_standard_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert "too much memory" in refusal(writer.compress(b"{}") + writer.flush(), b"zstd").message


@pytest.mark.parametrize("coding", [b"br", b"deflate", b"gzip, gzip", b"", b"\xff" * 1000])
def test_others_are_refused_with_those_that_are_taken(coding: bytes) -> None:
    refused = refusal(b"{}", coding)
    assert (refused.status, refused.code) == (415, "compressed_body")
    assert "gzip, zstd" in refused.message
