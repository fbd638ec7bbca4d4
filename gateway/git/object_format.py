"""SHA-1 or SHA-256: a repository has the format of its first push, which nobody knows before it comes.

A client dies in words of its own when a repository has the other format. So while it is empty both are offered, and
what the client then names is made so. See gitprotocol-capabilities(5), `object-format`.
"""

import zlib
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from model_runner.disk.durable import write_file
from web.asgi import Receive

FORMATS = ("sha1", "sha256")
_NOBODYS = b"f" * 40
"""Name of an object that nobody has: with an empty repository's own line, all zeros, a client of SHA-256 dies."""
_PACKET = 4
_PEEK_BYTES = 4096
_CORE = "[core]\n\trepositoryformatversion = {}\n\tfilemode = true\n\tbare = true\n"
_CONFIG = {"sha1": _CORE.format(0), "sha256": _CORE.format(1) + "[extensions]\n\tobjectformat = sha256\n"}


def is_empty(repository: Path) -> bool:
    """Whether nothing was ever taken: every push that was left a pack."""
    return next((repository / "objects" / "pack").glob("*.pack"), None) is None


def has_format(repository: Path, wanted: str) -> bool:
    return ("sha256" in (repository / "config").read_text(errors="replace")) == (wanted == "sha256")


def take_format(repository: Path, wanted: str) -> None:
    """Make an empty repository one of this format."""
    write_file(repository / "config", _CONFIG[wanted].encode())


class OfferBoth:
    """Stands in the answer that announces an empty repository: it may be of either format."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """It is a few hundred bytes: sent as a whole, at its end."""
        self._held += chunk
        return b""

    def end(self) -> bytes:
        line_at = self._held.find(b"0000", _PACKET) + _PACKET
        line = self._held[line_at:-_PACKET]
        name, _, said = line[_PACKET:].partition(b" capabilities^{}\0")
        if set(name) != {ord("0")}:
            return self._held
        others = [word for word in said.split() if not word.startswith(b"object-format=")]
        both = [b"object-format=" + each.encode() for each in FORMATS]
        content = _NOBODYS + b" .have\0" + b" ".join([*others, *both]) + b"\n"
        return self._held[:line_at] + f"{len(content) + _PACKET:04x}".encode() + content + b"0000"


async def peeked(receive: Receive, encoding: str | None) -> tuple[str | None, Receive]:
    """The format that a push names in its first packet, and the request from its beginning; None for one without."""
    unpack = zlib.decompressobj(wbits=31).decompress if encoding in ("gzip", "x-gzip") else lambda data, _: data
    messages = []
    seen = b""
    while True:
        message = await receive()
        messages.append(message)
        try:
            seen += unpack(message.get("body", b""), _PEEK_BYTES)
        except zlib.error:
            break
        if _is_whole(seen) or len(seen) > _PEEK_BYTES or not message.get("more_body"):
            break

    async def replayed() -> MutableMapping[str, Any]:
        return messages.pop(0) if messages else await receive()

    return _named(seen), replayed


def _is_whole(seen: bytes) -> bool:
    return len(seen) >= _PACKET and len(seen) >= _length(seen)


def _length(seen: bytes) -> int:
    try:
        return int(seen[:_PACKET], 16)
    except ValueError:
        return 0


def _named(seen: bytes) -> str | None:
    _, nul, words = seen[: _length(seen)].partition(b"\0")
    if not nul:
        return None
    return "sha256" if b"object-format=sha256" in words.split() else "sha1"
