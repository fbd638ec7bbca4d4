"""A request's JSON, decoded; where it is none: what is wrong with it, and where. Nothing in it is taken silently."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from gateway.refusals import Refusal
from model_runner.decode_errors import UNREADABLE

_MARK = b"\xef\xbb\xbf"
"""What some editors and libraries put before UTF-8. It is no JSON, and says nothing that is not known."""
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""How compressed bodies begin, and what their Content-Encoding is."""
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_AT_BYTE = re.compile(r" \(byte (\d+)\)")
_NOT_FINITE = re.compile(rb"-?(NaN|Infinity)")
_IN_ROW = re.compile(r"instances\[(\d+)\]\.?(.*)", re.DOTALL)
_SHOWN = 40
_DIGITS = 4000
"""Of a whole number: Python reads 4,300."""

_decoder = msgspec.json.Decoder()


def decode(body: bytes) -> Any:
    """The value of the body.

    Raises:
        Refusal: it is no JSON (where), has a number that nothing can hold, or a field twice in one object.
    """
    body = body.removeprefix(_MARK)
    try:
        found = _decoder.decode(body)
    except RecursionError:
        raise _nested_too_deeply() from None
    except UnicodeDecodeError:
        raise Refusal(400, "invalid_json", f"The body is not JSON: {_not_utf8(body)}") from None
    except UNREADABLE as error:
        raise _not_json(body, str(error)) from None
    if body.count(b":") > _fields(found):
        _refuse_doubles(body, found)
    return found


def _fields(found: Any) -> int:
    """Fields of the objects that a request of the usual shape consists of: not more than there are."""
    if not isinstance(found, dict):
        return 0
    rows = found.get("instances")
    return len(found) + (sum(len(row) for row in rows if type(row) is dict) if type(rows) is list else 0)


def _refuse_doubles(body: bytes, found: Any) -> None:
    """Every field has a colon, and so may text have some. Only where neither explains all of them is it read again."""
    if b"\\u" in body or body.count(b":") != _colons(found):
        _again(body)


def _colons(found: Any) -> int:
    """How many colons the value has when it is written down, as long as none is escaped."""
    count, left = 0, [found]
    while left:
        value = left.pop()
        if type(value) is str:
            count += value.count(":")
        elif type(value) is dict:
            count += len(value) + sum(name.count(":") for name in value)
            left += value.values()
        elif type(value) is list:
            left += value
    return count


class _OutOfRange(NamedTuple):
    """Stands for a number that nothing can hold."""

    text: str


def _again(body: bytes) -> Any:
    """The value, read by a parser that tells more and takes longer.

    Raises:
        Refusal: a field stands twice in one object.
        RecursionError: its values are nested too deeply for it.
    """

    def of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            raise _double(name for name, _ in pairs)
        return value

    try:
        return json.loads(body.decode(), object_pairs_hook=of_pairs, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise _nested_too_deeply() from None


def _double(names: Iterable[str]) -> Refusal:
    seen: set[str] = set()
    twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    message = f"The field {twice!r} stands twice in one object; send it once"
    return Refusal(400, "duplicate_field", message, [{"field": twice, "message": message}])


def _float(text: str) -> Any:
    value = float(text)
    return value if abs(value) < float("inf") else _OutOfRange(text)


def _int(text: str) -> Any:
    return int(text) if len(text) < _DIGITS else _OutOfRange(text)


def _not_json(body: bytes, problem: str) -> Refusal:
    at = _AT_BYTE.search(problem)
    if not body.strip():
        return Refusal(400, "invalid_json", "The body is empty; send a JSON object with the features")
    for mark, coding in _PACKED.items():
        if body.startswith(mark):
            message = f"The body is {coding}; send it with the header Content-Encoding: {coding}"
            return Refusal(400, "invalid_json", message)
    if body.startswith(_UTF16_MARKS) or b"\0" in body[:4]:  # the first characters of any JSON are ASCII
        return Refusal(400, "invalid_json", "The body is UTF-16, or UTF-32; encode it in UTF-8")
    if at is None:
        return _out_of_range(body) or Refusal(400, "invalid_json", f"The body is not JSON: {problem}")
    byte = int(at[1])
    where = _place(body, byte)
    special = _NOT_FINITE.search(body, max(0, byte - 2), byte + 9)
    if special is not None:
        value = special[0].decode()
        return Refusal(400, "not_finite", f"{value} at {where} is not JSON; send null for a missing value")
    return Refusal(400, "invalid_json", f"The body is not JSON: {_AT_BYTE.sub('', problem)} at {where}")


def _out_of_range(body: bytes) -> Refusal | None:
    """Which number is too large; None where none is."""
    try:
        found = _again(body)
    except ValueError:  # it is no JSON after that
        return None
    for path, value in _leaves(found):
        if type(value) is _OutOfRange:
            row, field = _row_and_field(path)
            shown = value.text if len(value.text) <= _SHOWN else f"{value.text[:_SHOWN]}…"
            problem = f"is {shown}, which is beyond what a number can be (1.8e308); send null for a missing value"
            detail = {"row": row, "field": field, "message": f"{path!r} {problem}"}
            return Refusal(400, "out_of_range", f"{path!r} {problem}", [detail])
    return None


def _row_and_field(path: str) -> tuple[int, str]:
    at = _IN_ROW.fullmatch(path)
    return (int(at[1]), at[2]) if at else (0, path)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no object and no list, with where it stands: `instances[3].age`."""
    left = [(path, value)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{path}.{name}" if path else name, each) for name, each in reversed(value.items())]
        elif isinstance(value, list):
            left += [(f"{path}[{index}]", each) for index, each in reversed(list(enumerate(value)))]
        else:
            yield path, value


def _nested_too_deeply() -> Refusal:
    return Refusal(400, "invalid_json", "The body is nested too deeply")


def _not_utf8(body: bytes) -> str:
    """Where, in the body; the decoder counts from the beginning of the string."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"{_place(body, error.start)} is no UTF-8; encode the body in UTF-8"
    return "a string in it is no UTF-8; encode the body in UTF-8"


def _place(body: bytes, byte: int) -> str:
    before = body[:byte]
    line = before.count(b"\n") + 1
    column = byte - (before.rfind(b"\n") + 1) + 1
    return f"line {line}, column {column} (byte {byte})"
