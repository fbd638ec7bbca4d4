"""Native blocks re-framed: nothing but the frame is added, wherever a column ends."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.clickhouse_server.errors import ClickHouseError
from storage.clickhouse_server.native_framing import BLOCK_INFO, frame
from storage.clickhouse_server.native_types import layout, split_arguments


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def string(text: bytes) -> bytes:
    return varint(len(text)) + text


def strings(rows: list[bytes]) -> bytes:
    return b"".join(string(row) for row in rows)


def column(name: bytes, type_name: str, data: bytes, custom: bytes) -> bytes:
    return string(name) + string(type_name.encode()) + custom + data


@st.composite
def a_column(draw: st.DrawFn, rows: int) -> tuple[str, bytes]:
    """A type and its values as ClickHouse lays them out, built apart from the code under test."""
    texts = st.lists(st.binary(max_size=300), min_size=rows, max_size=rows)
    kind = draw(
        st.sampled_from(
            ["UInt32", "String", "Nullable(String)", "Array(String)", "Map(String, UInt8)", "LowCardinality(String)"]
        )
    )
    if kind == "UInt32":
        return kind, draw(st.binary(min_size=4 * rows, max_size=4 * rows))
    if kind == "String":
        return kind, strings(draw(texts))
    if kind == "Nullable(String)":
        return kind, bytes(rows) + strings(draw(texts))
    if kind == "LowCardinality(String)":
        keys = draw(st.lists(st.binary(max_size=9), min_size=1, max_size=5))
        head = struct.pack("<QQ", 0x600, len(keys)) + strings(keys)
        return kind, struct.pack("<Q", 1) + head + struct.pack("<Q", rows) + bytes(rows)
    lists = draw(st.lists(st.lists(st.binary(max_size=9), max_size=3), min_size=rows, max_size=rows))
    offsets = b"".join(struct.pack("<Q", sum(len(x) for x in lists[: i + 1])) for i in range(rows))
    flat = [x for one in lists for x in one]
    return kind, offsets + strings(flat) + (bytes(len(flat)) if kind.startswith("Map") else b"")


@st.composite
def blocks(draw: st.DrawFn) -> list[tuple[int, list[tuple[str, bytes]]]]:
    found = []
    for _ in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(1, 20))
        found.append((rows, draw(st.lists(a_column(rows), min_size=1, max_size=4))))
    return found


def write(found: list[tuple[int, list[tuple[str, bytes]]]], info: bytes, custom: bytes) -> bytes:
    out = b""
    for rows, columns in found:
        out += info + varint(len(columns)) + varint(rows)
        out += b"".join(column(b"c", kind, data, custom) for kind, data in columns)
    return out


@given(blocks())
def test_frames_go_around_each_block_and_behind_each_type(found: list[tuple[int, list[tuple[str, bytes]]]]) -> None:
    plain = write(found, b"", b"")
    assert frame(plain, 0) == plain
    assert frame(plain, 54405) == write(found, BLOCK_INFO, b"")
    assert frame(plain, 54405, sum(rows for rows, _ in found)) == write(found, BLOCK_INFO, b"")
    assert frame(plain, 54460) == write(found, BLOCK_INFO, b"\x00")


@pytest.mark.parametrize(
    ("type_name", "prefix", "width"),
    [
        ("UInt256", 0, 32),
        ("Decimal(38, 5)", 0, 16),
        ("Decimal(9, 2)", 0, 4),
        ("DateTime64(3, 'UTC')", 0, 8),
        ("FixedString(7)", 0, 7),
        ("Enum8('a,)' = 1, 'b\\'' = 2)", 0, 1),
        ("Tuple(a UInt8, `b c` Decimal(18, 1))", 0, 9),
        ("Tuple(UInt8, Nullable(UInt16))", 0, 4),
        ("Tuple()", 0, 1),
        ("Point", 0, 16),
        ("IntervalDay", 0, 8),
        ("SimpleAggregateFunction(sum, UInt64)", 0, 8),
        ("Nested(a UInt8)", 0, 8),
    ],
)
def test_widths_of_types(type_name: str, prefix: int, width: int) -> None:
    found, skip = layout(type_name)
    assert (found, skip(bytes(1000), 10, 3)) == (prefix, 10 + 3 * width)


@pytest.mark.parametrize(
    "type_name", ["AggregateFunction(sum, UInt8)", "Dynamic", "Array(JSON)", "Variant(UInt8, String)"]
)
def test_types_of_unknown_length_are_refused(type_name: str) -> None:
    with pytest.raises(ClickHouseError, match="cast it in the query") as raised:
        layout(type_name)
    assert raised.value.status == 501


def test_arguments_are_cut_at_outer_commas_only() -> None:
    assert split_arguments("a Tuple(b, c), 'x,\\'y', `d,e` F(1, [2, 3])") == [
        "a Tuple(b, c)",
        "'x,\\'y'",
        "`d,e` F(1, [2, 3])",
    ]
    assert split_arguments("") == []
