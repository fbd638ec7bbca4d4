"""Bodies through ClickHouse's blocks and HTTP's encodings, and back."""

import io
import struct

import pytest
from clickhouse_driver.compression import lz4 as driver_lz4
from hypothesis import given
from hypothesis import strategies as st

from storage.clickhouse_server.block_compression import compress_blocks, decompress_blocks
from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.http_compression import choose_encoding, decoded, encoder

ENCODINGS = ("gzip", "deflate", "lz4", "zstd", "br")
some_data = st.binary(max_size=5000) | st.builds(
    lambda piece, n: piece * n, st.binary(min_size=1, max_size=20), st.integers(0, 4000)
)


@given(some_data)
def test_blocks_come_back_as_they_were(data: bytes) -> None:
    packed = b"".join(compress_blocks(data))
    assert b"".join(decompress_blocks(io.BytesIO(packed))) == data


def test_large_data_is_cut_into_blocks_of_a_mebibyte() -> None:
    data = bytes(range(256)) * 10000
    blocks = list(compress_blocks(data))
    assert [struct.unpack_from("<I", block, 21)[0] for block in blocks] == [1 << 20, 1 << 20, len(data) - (2 << 20)]
    assert b"".join(decompress_blocks(io.BytesIO(b"".join(blocks)))) == data


def test_an_independent_reader_accepts_a_block() -> None:
    block = b"".join(compress_blocks(b"hello " * 100))
    low, high = struct.unpack("<QQ", block[:16])
    reader = driver_lz4.Decompressor(io.BytesIO(block[17:]))
    assert reader.get_decompressed_data(block[16], (low << 64) + high, 1) == b"hello " * 100


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_block_that_is_cut_off_or_changed_is_refused(data: bytes, draw: st.DataObject) -> None:
    packed = b"".join(compress_blocks(data))
    cut = draw.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(ClickHouseError, match="cut off"):
        list(decompress_blocks(io.BytesIO(packed[:cut])))
    at = draw.draw(st.integers(0, len(packed) - 1))
    changed = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
    with pytest.raises(ClickHouseError) as raised:
        list(decompress_blocks(io.BytesIO(changed)))
    assert raised.value.code in (40, 271)


def test_a_block_cannot_claim_a_gigabyte() -> None:
    with pytest.raises(ClickHouseError, match="Impossible size"):
        list(decompress_blocks(io.BytesIO(bytes(16) + struct.pack("<BII", 0x82, 20, 1 << 30) + bytes(11))))


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(pieces=st.lists(some_data, max_size=4))
def test_encodings_come_back_as_they_were(encoding: str, pieces: list[bytes]) -> None:
    packer = encoder(encoding)
    packed = b"".join(packer.encode(piece) for piece in pieces) + packer.finish()
    assert b"".join(decoded(io.BytesIO(packed), encoding)) == b"".join(pieces)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_that_is_cut_off_is_refused(encoding: str) -> None:
    packer = encoder(encoding)
    packed = packer.encode(bytes(range(256)) * 50) + packer.finish()
    with pytest.raises(ClickHouseError, match=f"not complete {encoding} data"):
        list(decoded(io.BytesIO(packed[:-9]), encoding))


def test_an_unknown_encoding_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClickHouseError, match="use gzip, lz4, zstd"):
        list(decoded(io.BytesIO(b"x"), "compress"))


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("gzip, deflate, br", "gzip"),
        ("lz4,zstd,gzip", "lz4"),
        ("zstd;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=x", None),
    ],
)
def test_the_cheapest_encoding_that_the_client_accepts_is_chosen(accept: str, chosen: str | None) -> None:
    assert choose_encoding(accept) == chosen
