"""A prediction request's body: read within its bounds, decoded, and taken apart into instances."""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.large_numbers import beyond_any_float
from gateway.refusals import CLIENT_GONE, Refusal
from model_runner.unreadable import UNREADABLE

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_decoder = msgspec.json.Decoder()
_LENGTH_DIGITS = 18
"""Of Content-Length: more than any limit, and as many as Python reads in any case."""
_AT_BYTE = re.compile(r" \(byte (\d+)\)")
_OUT_OF_RANGE = "Number out of range"
_NOT_FINITE = re.compile(rb"-?(NaN|Infinity)")


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be predicted."""

    instances: list[Any]
    single: bool
    """Whether one bare object was sent, and so one prediction is wanted."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Those that matter here."""

    request_id: bytes | None
    content_length: int | None
    content_encoding: bytes | None


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Header names are lower-case in ASGI."""
    request_id = length = encoding = None
    for name, value in raw:
        if name == b"x-request-id":
            request_id = value
        elif name == b"content-length":
            length = int(value[:_LENGTH_DIGITS]) if value.isdigit() else None
        elif name == b"content-encoding" and value.lower() != b"identity":
            encoding = value
    return Headers(request_id, length, encoding)


async def read_body(receive: Receive, headers: Headers, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        Refusal: it is larger than max_bytes, compressed, or its sender went away.
    """
    if headers.content_encoding is not None:
        raise Refusal(415, "compressed_body", "Send the body without Content-Encoding")
    if headers.content_length is not None and headers.content_length > max_bytes:
        raise _too_large(max_bytes)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and message.get("more_body"):
        body, message = await _read_rest(receive, body, max_bytes)
    if message["type"] == "http.disconnect":
        raise Refusal(CLIENT_GONE, "client_gone", "The client went away")
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


async def _read_rest(receive: Receive, first: bytes, max_bytes: int) -> tuple[bytes, MutableMapping[str, Any]]:
    parts = [first]
    size = len(first)
    while size <= max_bytes:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return b"".join(parts), message
    raise _too_large(max_bytes)


def parse_batch(body: bytes, max_instances: int) -> Batch:
    """One object, or `{"instances": [...]}`.

    Raises:
        Refusal: it is no JSON (where), or of another shape, or there are too many instances.
    """
    found = _decode(body)
    if not isinstance(found, dict):
        raise Refusal(400, "invalid_body", 'Send one JSON object with the features, or {"instances": [{...}, ...]}')
    instances = found.get("instances")
    if not isinstance(instances, list):
        return Batch([found], single=True)
    if len(found) > 1:
        extra = next(name for name in found if name != "instances")
        raise Refusal(400, "invalid_body", f'Unknown field {extra!r} beside "instances"; leave it out')
    if not instances:
        raise Refusal(400, "no_instances", '"instances" is empty; send at least one')
    if len(instances) > max_instances:
        message = f"{len(instances)} instances; the most in one request is {max_instances} (TIDEGATE_MAX_INSTANCES)"
        raise Refusal(413, "too_many_instances", f"{message}. Split the request.")
    return Batch(instances, single=False)


def _decode(body: bytes) -> Any:
    try:
        return _decoder.decode(body)
    except RecursionError:
        raise Refusal(400, "invalid_json", "The body is nested too deeply") from None
    except UnicodeDecodeError:
        raise Refusal(400, "invalid_json", f"The body is not JSON: {_not_utf8(body)}") from None
    except UNREADABLE as error:
        raise _not_json(body, str(error)) from None


def _not_json(body: bytes, problem: str) -> Refusal:
    at = _AT_BYTE.search(problem)
    if not body.strip():
        return Refusal(400, "invalid_json", "The body is empty; send a JSON object with the features")
    if at is None:
        large = beyond_any_float(body) if problem.startswith(_OUT_OF_RANGE) else None
        if large is not None:
            return Refusal(400, "out_of_range", large)
        return Refusal(400, "invalid_json", f"The body is not JSON: {problem}")
    byte = int(at[1])
    where = _place(body, byte)
    special = _NOT_FINITE.search(body, max(0, byte - 2), byte + 9)
    if special is not None:
        value = special[0].decode()
        return Refusal(400, "not_finite", f"{value} at {where} is not JSON; send null for a missing value")
    return Refusal(400, "invalid_json", f"The body is not JSON: {_AT_BYTE.sub('', problem)} at {where}")


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


def _too_large(max_bytes: int) -> Refusal:
    message = f"The body is larger than {max_bytes} bytes (TIDEGATE_MAX_REQUEST_BYTES); send fewer instances"
    return Refusal(413, "body_too_large", message)
