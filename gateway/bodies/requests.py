"""A prediction request's body: read within its bounds, and taken apart into instances."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from gateway.bodies.compressed import unpacked
from gateway.bodies.foreign_bodies import answerable, by_position, refuse_foreign
from gateway.bodies.held import HeldBody
from gateway.bodies.instance_form import Form
from gateway.bodies.json_body import decode
from gateway.refusals import CLIENT_GONE, Refusal
from web.asgi import Receive

_LENGTH_DIGITS = 18
"""Of Content-Length: more than any limit, and as many as Python reads in any case."""


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
            encoding = value if encoding is None else encoding + b", " + value
    return Headers(request_id, length, encoding)


async def read_body(receive: Receive, headers: Headers, max_bytes: int, held: HeldBody | None = None) -> bytes:
    """The whole body, unpacked where it was compressed.

    Args:
        held: what it counts as; None where its bound is so small that it need not.

    Raises:
        Refusal: it is or becomes larger than max_bytes, does not fit beside the others, has to give way to them, is
            compressed in an unknown way, or its sender went away.
    """
    if headers.content_length is not None and headers.content_length > max_bytes:
        raise _too_large(max_bytes)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and message.get("more_body"):
        body, message = await _read_rest(receive, body, max_bytes, held)
    elif held is not None:
        held.add(len(body))
    if message["type"] == "http.disconnect":
        raise Refusal(CLIENT_GONE, "client_gone", "The client went away")
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if headers.content_encoding is None:
        return body
    plain = unpacked(body, headers.content_encoding, max_bytes)
    if held is not None:
        held.add(len(plain))
    return plain


async def _read_rest(
    receive: Receive, first: bytes, max_bytes: int, held: HeldBody | None
) -> tuple[bytes, MutableMapping[str, Any]]:
    if held is None:
        return await _read_pieces(receive, first, max_bytes, None)
    held.add(len(first))
    async with held.coming():
        return await _read_pieces(receive, first, max_bytes, held)


async def _read_pieces(
    receive: Receive, first: bytes, max_bytes: int, held: HeldBody | None
) -> tuple[bytes, MutableMapping[str, Any]]:
    parts = [first]
    size = len(first)
    while size <= max_bytes:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if held is not None:
            held.add(len(parts[-1]))
        if not message.get("more_body"):
            return b"".join(parts), message
    raise _too_large(max_bytes)


def parse_batch(body: bytes, form: Form, max_instances: int) -> Batch:
    """One object, `{"instances": [...]}`, or what another server's client sends where it can mean one thing only.

    Args:
        body: plain.
        form: what the model asks for.
        max_instances: the most in one request.

    Raises:
        Refusal: it is no JSON (where), or of another shape, or there are too many instances.
    """
    found = decode(body)
    if type(found) is dict:
        instances = found.get("instances")
        if type(instances) is list and "instances" not in form.known:
            return _many(found, instances, form, max_instances)
        if form.is_instance(found):
            return Batch([found], single=True)
    rows = answerable(found)
    if rows is not None:
        return _many({}, rows, form, max_instances)
    refuse_foreign(found, form)
    return Batch([found], single=True)


def _many(found: dict[str, Any], instances: list[Any], form: Form, most: int) -> Batch:
    if len(found) > 1:
        extra = next(name for name in found if name != "instances")
        message = f'Unknown field {extra!r} beside "instances"; leave it out. {form.shown(instances)}'
        raise Refusal(400, "invalid_body", message, form.details(instances))
    if not instances:
        raise Refusal(400, "no_instances", '"instances" is empty; send at least one')
    if len(instances) > most:
        message = f"{len(instances)} instances; the most in one request is {most} (TIDEGATE_MAX_INSTANCES)"
        raise Refusal(413, "too_many_instances", f"{message}. Split the request.")
    if type(instances[0]) is list:
        instances = by_position(instances, form)
    return Batch(instances, single=False)


def _too_large(max_bytes: int) -> Refusal:
    message = f"The body is larger than {max_bytes} bytes (TIDEGATE_MAX_REQUEST_BYTES); send fewer instances"
    return Refusal(413, "body_too_large", message)
