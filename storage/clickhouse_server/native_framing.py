"""The Native format re-framed for clients that name a protocol version.

The engine writes Native of revision 0. A client that sends client_protocol_version expects what a server of
that revision writes: from 51903 on each block begins with its BlockInfo, and from 54454 on each column's type
name is followed by a byte that tells custom serialization (0: none). To put that byte in, the walk below goes
over the block column by column.
"""

from storage.clickhouse_server.errors import NOT_IMPLEMENTED, ClickHouseError
from storage.clickhouse_server.native_types import layout, read_varint

BLOCK_INFO_SINCE = 51903
CUSTOM_SERIALIZATION_SINCE = 54454
# Field 1 is_overflows = 0, field 2 bucket_num = -1 (Int32), end of fields.
BLOCK_INFO = bytes([1, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0])


def needs_framing(protocol: int) -> bool:
    """Whether a client of this protocol version expects anything but revision 0."""
    return protocol >= BLOCK_INFO_SINCE


def frame(data: bytes, protocol: int, rows: int = -1) -> bytes:
    """`data`, whole Native blocks of revision 0, as a server of revision `protocol` writes them.

    `rows`, where known, is the number of rows in all of `data`: when its first block has them all, a client
    that wants no more than the BlockInfo is spared the walk.
    Raises ClickHouseError 48 for a type whose length cannot be known (AggregateFunction, Dynamic, Variant,
    JSON): cast it in the query.
    """
    if not needs_framing(protocol):
        return data
    if protocol < CUSTOM_SERIALIZATION_SINCE and data and _rows_of_first(data) == rows:
        return BLOCK_INFO + data
    custom = b"\x00" if protocol >= CUSTOM_SERIALIZATION_SINCE else b""
    out: list[bytes] = []
    position = 0
    while position < len(data):
        out.append(BLOCK_INFO)
        position = _frame_block(data, position, custom, out)
    return b"".join(out)


def _frame_block(data: bytes, position: int, custom: bytes, out: list[bytes]) -> int:
    start = position
    columns, position = read_varint(data, position)
    rows, position = read_varint(data, position)
    for _ in range(columns):
        length, position = read_varint(data, position)
        position += length
        length, position = read_varint(data, position)
        type_name = data[position : position + length].decode()
        position += length
        out += (data[start:position], custom)
        start = position
        if rows:
            prefix, skip = layout(type_name)
            position = skip(data, position + prefix, rows)
    if position > len(data):
        raise ClickHouseError(NOT_IMPLEMENTED, "A Native block ends within a column: cannot be re-framed")
    out.append(data[start:position])
    return position


def _rows_of_first(data: bytes) -> int:
    _, position = read_varint(data, 0)
    return read_varint(data, position)[0]
