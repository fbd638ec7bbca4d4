"""ClickHouse's own compression of HTTP bodies (compress=1, decompress=1): checked blocks.

A block is 16 bytes of CityHash128 over what follows, then one byte of method, 4 bytes of compressed size
(these 9 bytes included), 4 bytes of plain size, little-endian, and the data: LZ4 block format (0x82), zstd
(0x90) or none (0x02). See ClickHouse's docs, "Native protocol: compression".
"""

import struct
from collections.abc import Iterator

import lz4.block
import zstandard

from storage.clickhouse_server.errors import CANNOT_DECOMPRESS, CHECKSUM_DOESNT_MATCH, ClickHouseError
from storage.clickhouse_server.http_compression import Readable

try:
    from clickhouse_cityhash.cityhash import CityHash128
except ImportError:  # only the JDBC driver and clickhouse-client ask for it
    CityHash128 = None

BLOCK_BYTES = 1 << 20
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_HEADER = struct.Struct("<BII")
_CHECKSUM_BYTES = 16
_MAX_BLOCK = 1 << 28


def _checksum(data: bytes) -> bytes:
    if CityHash128 is None:
        text = "compress=1 and decompress=1 need the package clickhouse-cityhash: install tidegate[embedded]"
        raise ClickHouseError(CANNOT_DECOMPRESS, text)
    value: int = CityHash128(data)
    # The library gives (low << 64 | high) as the hash is published; ClickHouse writes low first.
    return struct.pack("<QQ", value >> 64, value & 0xFFFFFFFFFFFFFFFF)


def compress_blocks(data: bytes) -> Iterator[bytes]:
    """`data` as LZ4 blocks of at most 1 MiB each."""
    for start in range(0, len(data), BLOCK_BYTES):
        plain = data[start : start + BLOCK_BYTES]
        packed = lz4.block.compress(plain, store_size=False)
        block = _HEADER.pack(_LZ4, len(packed) + _HEADER.size, len(plain)) + packed
        yield _checksum(block) + block


def decompress_blocks(source: Readable) -> Iterator[bytes]:
    """The plain data of the blocks in `source`.

    Raises ClickHouseError 40 for a wrong checksum, 271 for a truncated or impossible block.
    """
    while checksum := source.read(_CHECKSUM_BYTES):
        header = source.read(_HEADER.size)
        if len(checksum) < _CHECKSUM_BYTES or len(header) < _HEADER.size:
            raise ClickHouseError(CANNOT_DECOMPRESS, "A compressed block is cut off in its header")
        method, packed_size, plain_size = _HEADER.unpack(header)
        if not _HEADER.size <= packed_size <= _MAX_BLOCK or plain_size > _MAX_BLOCK:
            text = "Impossible size of a compressed block: is the body really compressed by ClickHouse's blocks?"
            raise ClickHouseError(CANNOT_DECOMPRESS, text)
        packed = source.read(packed_size - _HEADER.size)
        if len(packed) < packed_size - _HEADER.size:
            raise ClickHouseError(CANNOT_DECOMPRESS, "A compressed block is cut off in its data")
        if _checksum(header + packed) != checksum:
            raise ClickHouseError(
                CHECKSUM_DOESNT_MATCH, "Checksum of a compressed block does not match: corrupted data"
            )
        yield _plain(method, packed, plain_size)


def _plain(method: int, packed: bytes, size: int) -> bytes:
    try:
        if method == _LZ4:
            plain: bytes = lz4.block.decompress(packed, uncompressed_size=size)
        elif method == _ZSTD:
            plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        elif method == _NONE:
            plain = packed
        else:
            raise ClickHouseError(CANNOT_DECOMPRESS, f"Unknown method {method:#x} of a compressed block")
    except (lz4.block.LZ4BlockError, zstandard.ZstdError) as error:
        raise ClickHouseError(CANNOT_DECOMPRESS, f"A compressed block cannot be decompressed: {error}") from error
    if len(plain) != size:
        raise ClickHouseError(CANNOT_DECOMPRESS, "A compressed block has another size than its header says")
    return plain
