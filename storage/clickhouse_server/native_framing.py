"""The Native format re-framed for clients that name a protocol version.

The engine writes Native of revision 0. A client that sends client_protocol_version expects what a server of
that revision writes: from 51903 on each block begins with its BlockInfo, from 54337 on
a column of `DateTime` names its time zone, and from 54454 on each column's type
name is followed by a byte that tells custom serialization (0: none). To put that byte in, the walk below goes
over the block column by column.
"""

from collections.abc import Sequence

from storage.clickhouse_server.errors import NOT_IMPLEMENTED, ClickHouseError
from storage.clickhouse_server.native_types import layout, read_varint

BLOCK_INFO_SINCE = 51903
TIMEZONE_IN_TYPE_SINCE = 54337
CUSTOM_SERIALIZATION_SINCE = 54454
_PLAIN_DATETIME = b"\x08DateTime"
# Field 1 is_overflows = 0, field 2 bucket_num = -1 (Int32), end of fields.
BLOCK_INFO = bytes([1, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0])


def needs_framing(protocol: int) -> bool:
    """Whether a client of this protocol version expects anything but revision 0."""
    return protocol >= BLOCK_INFO_SINCE


def may_lack_timezones(block: bytes) -> bool:
    """Whether a column may be a DateTime, whose time zone revision 0 leaves out (and only there: not in Nullable)."""
    return _PLAIN_DATETIME in block


def frame(data: bytes, protocol: int, rows: int = -1, types: Sequence[str] = ()) -> bytes:
    """`data`, whole Native blocks of revision 0, as a server of revision `protocol` writes them.

    `rows`, where known, is the number of rows in all of `data`: when its first block has them all, a client
    that wants no more than the BlockInfo is spared the walk. `types` are those of the columns in full, where known.
    Raises ClickHouseError 48 for a type whose length cannot be known (AggregateFunction, Dynamic, Variant,
    JSON): cast it in the query.
    """
    if not needs_framing(protocol):
        return data
    types = types if any(name.startswith("DateTime(") for name in types) else ()
    if protocol < CUSTOM_SERIALIZATION_SINCE and not types and data and _rows_of_first(data) == rows:
        return BLOCK_INFO + data
    custom = b"\x00" if protocol >= CUSTOM_SERIALIZATION_SINCE else b""
    out: list[bytes] = []
    position = 0
    while position < len(data):
        out.append(BLOCK_INFO)
        position = _frame_block(data, position, custom, types, out)
    return b"".join(out)


def _frame_block(data: bytes, position: int, custom: bytes, types: Sequence[str], out: list[bytes]) -> int:
    start = position
    columns, position = read_varint(data, position)
    rows, position = read_varint(data, position)
    for column in range(columns):
        length, position = read_varint(data, position)
        position += length
        out.append(data[start:position])
        start = position
        length, position = read_varint(data, position)
        type_name = data[position : position + length].decode()
        position += length
        out += (_in_full(data[start:position], column, types), custom)
        start = position
        if rows:
            prefix, skip = layout(type_name)
            position = skip(data, position + prefix, rows)
    if position > len(data):
        raise ClickHouseError(NOT_IMPLEMENTED, "A Native block ends within a column: cannot be re-framed")
    out.append(data[start:position])
    return position


def _in_full(type_name: bytes, column: int, types: Sequence[str]) -> bytes:
    """The type's name with its length, with its time zone where it has lost one."""
    if type_name != _PLAIN_DATETIME or column >= len(types) or not types[column].startswith("DateTime("):
        return type_name
    name = types[column].encode()
    return bytes([len(name)]) + name  # the longest time zone leaves it far below 128


def _rows_of_first(data: bytes) -> int:
    _, position = read_varint(data, 0)
    return read_varint(data, position)[0]
