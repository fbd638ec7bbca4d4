"""Values of any size in records of a bounded one: whatever a kill cuts off, a value that was whole is read."""

import random
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from stream.exact import pieces
from stream.exact.pieces import Written, join, split, suffixes

sizes = st.lists(st.integers(0, 2000), min_size=1, max_size=8)


def _payload(size: int, seed: int) -> bytes:
    """Not compressible: the pieces are as many as the size says."""
    return random.Random(seed).randbytes(size)


@given(sizes, st.integers(0, 10_000), st.integers(0, 3))
@example([791, 192, 192, 192, 0], 64, 2)
def test_a_kill_between_any_two_records_leaves_a_whole_value(sizes: list[int], cut: int, restarts: int) -> None:
    """After any prefix of what was written: the newest whole value, or the one before; and so on after a restart."""
    with patch.object(pieces, "PIECE_BYTES", 200):
        stored: dict[str, tuple[int, bytes]] = {}
        known: Written | None = None
        done: list[bytes] = []
        for as_of, size in enumerate(sizes):
            payload = _payload(size, as_of)
            written, records, removed = split(payload, known)
            steps: list[tuple[str, bytes | None]] = [*records, *((suffix, None) for suffix in removed)]
            killed = as_of in {cut % len(sizes), restarts}
            for suffix, record in steps[: cut % (len(steps) + 1)] if killed else steps:
                if record is None:
                    stored.pop("name" + suffix, None)
                else:
                    stored["name" + suffix] = (as_of, record)
            known = written
            if killed:
                value, known = join(stored)[0].get("name", (b"", None))
                assert value in {payload, done[-1] if done else b""}
                done.append(value)
            else:
                done.append(payload)
                assert join(stored)[0]["name"][0] == payload
                # A kill between two removals leaves a gap, so more keys may be known than there are.
                assert set(stored) <= {"name" + suffix for suffix in suffixes(known)}, "something is left over"


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_names_do_not_mix_and_small_values_are_one_record(one: bytes, two: bytes) -> None:
    stored = {}
    for name, payload in (("", one), ("slot|10|0|d", two)):
        for suffix, record in split(payload, None)[1]:
            stored[name + suffix] = (7, record)
    assert set(stored) == {"", "slot|10|0|d"}
    assert {name: value for name, (value, _) in join(stored)[0].items()} == {"": one, "slot|10|0|d": two}


@given(st.lists(st.integers(), max_size=5))
def test_values_of_before_there_were_pieces_are_read(numbers: list[int]) -> None:
    import msgspec

    numbers = [number % 2**60 for number in numbers]
    old = msgspec.msgpack.encode(numbers)
    value, known = join({"": (3, old)})[0][""]
    assert value == old
    _, records, _ = split(b"new", known)
    assert join({"": (3, records[0][1])})[0][""][0] == b"new"


def test_of_two_writers_the_one_that_is_further_holds() -> None:
    """One that lost its partition wrote some of its pieces over those of the new owner."""
    with patch.object(pieces, "PIECE_BYTES", 200):
        before, first, _ = split(_payload(700, 1), None)
        _, second, _ = split(_payload(900, 2), before)
        stored = {suffix: (10, record) for suffix, record in first} | {
            suffix: (20, record) for suffix, record in second
        }
        assert join(stored)[0][""][0] == _payload(900, 2)
        suffix, record = second[1]
        stored[suffix] = (15, record)
        assert join(stored)[0][""][0] == _payload(700, 1), "a mixture is none; the one before is whole"
