"""Requests that offer another protocol, answered as if they had not (RFC 9110, 7.8): Java's client offers h2c to all.

httptools ends such a request with its head and takes the body, and all that follows, for the other protocol's: callers
were told that their body was empty, and the next request on the connection was never seen.
"""

from collections.abc import Iterable
from typing import Any

import httptools

Headers = Iterable[tuple[bytes, bytes]]


class Parser:
    """httptools' parser of requests, as its protocol uses it."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._parser = _parser(protocol)

    def feed_data(self, data: bytes) -> None:
        """Raises httptools.HttpParserError where this is no HTTP."""
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
                self._go_on(_framing(self._protocol.headers))
            else:
                return

    def has_body_to_come(self) -> bool:
        """At the end of a message: whether it is none, since the parser has skipped what follows its head."""
        return self._parser.should_upgrade() and _framing(self._protocol.headers) is not None

    def get_method(self) -> bytes:
        return self._parser.get_method()

    def get_http_version(self) -> str:
        return self._parser.get_http_version()

    def should_keep_alive(self) -> bool:
        return self._parser.should_keep_alive()

    def should_upgrade(self) -> bool:
        return False

    def _go_on(self, framing: bytes | None) -> None:
        """With the body of the message whose head was read, or with the next message."""
        if framing is None:
            self._parser = _parser(self._protocol)
            return
        self._parser = _parser(_AfterHead(self._protocol))
        self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")


class _AfterHead:
    """Hands on what a parser says, but for the head of its first message, which only tells it how long the body is."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._is_first = True

    def on_message_begin(self) -> None:
        if not self._is_first:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_first:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_first:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_first:
            self._protocol.on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._protocol.on_body(body)

    def on_message_complete(self) -> None:
        self._is_first = False
        self._protocol.on_message_complete()


def _parser(protocol: Any) -> httptools.HttpRequestParser:
    """As uvicorn makes one: what comes after a request that closes the connection is no error."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _framing(headers: Headers) -> bytes | None:
    """The header that says where the body ends; None where there is no body. The parser has refused two that differ."""
    found = dict(headers)
    if b"transfer-encoding" in found:
        return b"transfer-encoding: " + found[b"transfer-encoding"]
    length = found.get(b"content-length", b"")
    return b"content-length: " + length if length.strip(b"0 ") else None
