"""How long a column is in the Native format of revision 0, by its type.

The layout is that of ClickHouse's `SerializationX::serializeBinaryBulk`: plain values side by side, strings
with their lengths, arrays as offsets and then their values, dictionaries as keys and indexes.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from storage.clickhouse_server.errors import NOT_IMPLEMENTED, ClickHouseError

_WIDTHS = {
    1: "UInt8 Int8 Bool Enum8 Nothing",
    2: "UInt16 Int16 Enum16 Date BFloat16",
    4: "UInt32 Int32 Float32 Date32 DateTime IPv4 Decimal32 Time",
    8: "UInt64 Int64 Float64 DateTime64 Time64 Decimal64",
    16: "UInt128 Int128 UUID IPv6 Decimal128",
    32: "UInt256 Int256 Decimal256",
}
_WIDTH_OF = {name: width for width, names in _WIDTHS.items() for name in names.split()}
_GEO = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "Polygon": "Array(Ring)",
    "MultiLineString": "Array(LineString)",
    "MultiPolygon": "Array(Polygon)",
}
_TYPE = re.compile(r"(\w+)(?:\((.*)\))?\Z", re.DOTALL)
_NAMED = re.compile(r"(?:\w+|`(?:[^`\\]|\\.)*`) (.+)\Z", re.DOTALL)

Skip = Callable[[bytes, int, int], int]
"""(data, position, rows) -> the position behind the values of so many rows."""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned LEB128 number at `position`, and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


@lru_cache(maxsize=4096)
def layout(type_name: str) -> tuple[int, Skip]:
    """Bytes of state before a column of this type, and the walk over its values.

    Raises ClickHouseError 48 for a type whose length cannot be known.
    """
    match = _TYPE.match(type_name.strip())
    if match is None:
        raise _unknown(type_name)
    name, inner = match.group(1), match.group(2) or ""
    if name in _GEO:
        return layout(_GEO[name])
    if name in _COMPOUND:
        return _COMPOUND[name](inner)
    return 0, _skip_strings if name == "String" else _fixed(_width(name, inner, type_name))


def _width(name: str, inner: str, type_name: str) -> int:
    if name in _WIDTH_OF:
        return _WIDTH_OF[name]
    if name == "Decimal":
        return _decimal_width(int(inner.partition(",")[0]))
    if name == "FixedString":
        return int(inner)
    if name.startswith("Interval"):
        return 8
    raise _unknown(type_name)


def _unknown(type_name: str) -> ClickHouseError:
    text = f"A column of type {type_name} cannot be sent in Native with client_protocol_version: cast it in the query"
    return ClickHouseError(NOT_IMPLEMENTED, text, "NOT_IMPLEMENTED")


def _decimal_width(precision: int) -> int:
    return next(width for limit, width in ((9, 4), (18, 8), (38, 16), (76, 32)) if precision <= limit)


def _fixed(width: int) -> Skip:
    return lambda _data, at, rows: at + width * rows


def _skip_strings(data: bytes, at: int, rows: int) -> int:
    for _ in range(rows):
        length = data[at]
        if length < 0x80:
            at += 1 + length
        else:
            length, at = read_varint(data, at)
            at += length
    return at


def _array(skip: Skip) -> Skip:
    def walk(data: bytes, at: int, rows: int) -> int:
        end = at + 8 * rows  # the last of the UInt64 offsets is the number of inner values
        inner = int.from_bytes(data[end - 8 : end], "little") if rows else 0
        return skip(data, end, inner) if inner else end

    return walk


def _tuple(types: list[str]) -> tuple[int, Skip]:
    parts = [layout(one) for one in types]

    def walk(data: bytes, at: int, rows: int) -> int:
        for _, skip in parts:
            at = skip(data, at, rows)
        return at

    # An empty tuple is written as one byte a row.
    return sum(prefix for prefix, _ in parts), walk if parts else _fixed(1)


def _low_cardinality(inner: str) -> Skip:
    if inner.startswith("Nullable("):
        inner = inner[len("Nullable(") : -1]  # the dictionary holds plain values
    _, skip = layout(inner)

    def walk(data: bytes, at: int, rows: int) -> int:
        if not rows:
            return at
        index_width = 1 << (data[at] & 0xF)
        keys = int.from_bytes(data[at + 8 : at + 16], "little")
        at = skip(data, at + 16, keys)
        indexes = int.from_bytes(data[at : at + 8], "little")
        return at + 8 + index_width * indexes

    return walk


def _elements(inner: str) -> list[str]:
    """The types of a tuple's elements, which may have names: `a UInt8, b String` or `UInt8, String`."""
    types = []
    for one in split_arguments(inner):
        named = _NAMED.match(one)
        types.append(named.group(1) if named else one)
    return types


def split_arguments(text: str) -> list[str]:
    """`text` cut at its outermost commas; brackets, quotes and backticks are kept together."""
    parts: list[str] = []
    depth = start = index = 0
    closing = ""
    while index < len(text):
        char = text[index]
        if closing:
            if char == "\\":
                index += 1
            elif char == closing:
                closing = ""
        elif char in "'`":
            closing = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[start:index].strip())
            start = index + 1
        index += 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


def _nullable(inner: str) -> tuple[int, Skip]:
    prefix, skip = layout(inner)
    return prefix, lambda data, at, rows: skip(data, at + rows, rows)


def _array_of(element: tuple[int, Skip]) -> tuple[int, Skip]:
    prefix, skip = element
    return prefix, _array(skip)


_COMPOUND: dict[str, Callable[[str], tuple[int, Skip]]] = {
    "Nullable": _nullable,
    "Array": lambda inner: _array_of(layout(inner)),
    "Tuple": lambda inner: _tuple(_elements(inner)),
    "Map": lambda inner: _array_of(_tuple(split_arguments(inner))),
    "Nested": lambda inner: _array_of(_tuple(_elements(inner))),
    "LowCardinality": lambda inner: (8, _low_cardinality(inner)),
    "SimpleAggregateFunction": lambda inner: layout(split_arguments(inner)[1]),
}
