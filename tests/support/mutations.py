"""Bytes that are nearly right: valid messages, changed a little. Random bytes hardly get past the first token."""

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[bytes, random.Random], bytes]

NUMBERS = (
    b"0", b"-0", b"-1", b"1e999", b"-1e999", b"1e-999", b"NaN", b"-Infinity", b"9007199254740993",
    b"9223372036854775808",     b"-9223372036854775809", b"18446744073709551616",
    b"9" * 400, b"9" * 5000, b"0." + b"3" * 400, b"1.7e308", b"1e18",
)  # fmt: skip
STRINGS = (
    b'"\xff"', b'"caf\xe9"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\x00"', b'""',
    b'"2026-01-01T00:00:00+99:99"', b'"9999-12-31T23:59:59.999999-14:00"', b'"' + b"x" * 3000 + b'"', b"null", b"true",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(rb'"[^"\n]{0,200}"')


def _flip(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _flip_bit(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(data: bytes, dice: random.Random) -> bytes:
    start, stop = sorted(dice.randrange(len(data) + 1) for _ in range(2))
    return dice.choice((data[:start], data[start:], data[:start] + data[stop:]))


def _insert(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.randbytes(dice.choice((1, 1, 2, 8))) + data[at:]


def _duplicate(data: bytes, dice: random.Random) -> bytes:
    start, stop = sorted(dice.randrange(len(data) + 1) for _ in range(2))
    return data[:stop] + data[start:stop] * dice.choice((1, 1, 3)) + data[stop:]


def _number(data: bytes, dice: random.Random) -> bytes:
    return _replaced(data, _NUMBER, NUMBERS, dice)


def _string(data: bytes, dice: random.Random) -> bytes:
    return _replaced(data, _STRING, STRINGS, dice)


def _number_for_string(data: bytes, dice: random.Random) -> bytes:
    return _replaced(data, _STRING, NUMBERS, dice)


def _not_utf8(data: bytes, dice: random.Random) -> bytes:
    """Inside a string, where the structure still holds."""
    found = [(match.start() + 1, match.end() - 1) for match in _STRING.finditer(data)]
    at = dice.randint(*dice.choice(found or [(0, len(data))]))
    return data[:at] + dice.choice((b"\xff", b"\xe9", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")) + data[at:]


def _nest(data: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((1, 30, 600, 3000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"\x91", b""), (b"\x81\xa1a", b"")))
    found = list(_NUMBER.finditer(data))
    if not found:
        return opening * depth + data + closing * depth
    chosen = dice.choice(found)
    return data[: chosen.start()] + opening * depth + chosen[0] + closing * depth + data[chosen.end() :]


def _repeat_key(data: bytes, dice: random.Random) -> bytes:
    pairs = list(re.finditer(rb'"[^"]{1,60}"\s*:\s*(?:"[^"]{0,60}"|-?[\d.]+|null|true|false),', data))
    if not pairs:
        return _duplicate(data, dice)
    chosen, at = dice.choice(pairs), dice.choice(pairs).start()
    return data[:at] + chosen[0] * dice.choice((1, 1, 50)) + data[at:]


def _lengths(data: bytes, dice: random.Random) -> bytes:
    """Bytes that often stand for lengths, set to the largest there are."""
    at = dice.randrange(len(data))
    width = dice.choice((1, 2, 4, 8))
    return data[:at] + dice.choice((b"\xff", b"\x7f", b"\x00", b"\x80")) * width + data[at + width :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _flip_bit, _cut, _insert, _duplicate, _number, _string, _number_for_string, _not_utf8, _nest, _repeat_key,
    _lengths,
)  # fmt: skip


def mutated(valid: Sequence[bytes], dice: random.Random) -> bytes:
    """One of the messages after one to three changes, or the beginning of one and the end of another.

    Args:
        valid: messages that the decoder accepts; none of them empty.
        dice: seeded by the caller, so that what was found can be found again.
    """
    data = dice.choice(valid)
    if dice.random() < 0.1:
        other = dice.choice(valid)
        data = data[: dice.randrange(len(data) + 1)] + other[dice.randrange(len(other) + 1) :]
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        if data:
            data = dice.choice(MUTATIONS)(data, dice)
    return data


def _replaced(data: bytes, pattern: "re.Pattern[bytes]", by: Sequence[bytes], dice: random.Random) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return _flip(data, dice)
    chosen = dice.choice(found)
    return data[: chosen.start()] + dice.choice(by) + data[chosen.end() :]
