"""The body of a request to git, made harmless before git sees it: unpacked within a bound, its commands counted."""

import zlib
from collections.abc import Iterator

UPLOAD_PACK_BYTES = 8_000_000
"""What a client says that it wants and has, unpacked: git itself keeps all of it in memory."""
COMMAND_BYTES = 250_000
"""Of the refs that one push names, about 2,000: git keeps them in memory, and hooks get them."""
PACK_SLACK_BYTES = 16_000_000
"""Above the largest pack: git's own refusal says it better."""
PIECE_BYTES = 65_536
_LENGTH = 4


class BodyRefusedError(Exception):
    """A body that git is not given; the message says why, and the fix."""

    def __init__(self, reason: str, *, is_push: bool = False) -> None:
        super().__init__(reason)
        self._is_push = is_push

    @property
    def content_type(self) -> bytes:
        return f"application/x-git-{'receive' if self._is_push else 'upload'}-pack-result".encode()

    def packet(self) -> bytes:
        """The reason as git's protocol says it: on the band of fatal errors, or as ERR."""
        head = "\x03" if self._is_push else "ERR "
        content = f"{head}✗ receive: {self}\n".encode()
        return f"{len(content) + _LENGTH:04x}".encode() + content


class Body:
    """Fed with the request's body piece by piece, gives what git may have."""

    def __init__(self, *, is_push: bool, encoding: str | None, max_bytes: int) -> None:
        """
        Args:
            is_push: of git-receive-pack; else of git-upload-pack.
            encoding: the request's Content-Encoding.
            max_bytes: of a push, unpacked.

        Raises:
            BodyRefusedError: the encoding is not known.
        """
        if encoding not in (None, "identity", "gzip", "x-gzip"):
            raise BodyRefusedError("this remote takes bodies as they are, or packed by gzip")
        self._unpacker = zlib.decompressobj(wbits=31) if encoding in ("gzip", "x-gzip") else None
        self._left = max_bytes + PACK_SLACK_BYTES if is_push else UPLOAD_PACK_BYTES
        self._max_bytes = max_bytes
        self._commands = Commands() if is_push else None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What to hand on. Raises BodyRefusedError."""
        for piece in self._unpacked(data):
            self._left -= len(piece)
            if self._left < 0:
                raise BodyRefusedError(self._too_large(), is_push=self._commands is not None)
            if self._commands is not None:
                self._commands.feed(piece)
            yield piece

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        if self._unpacker is None:
            yield data
            return
        rest = data
        while rest:
            try:
                piece = self._unpacker.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                reason = f"the body is not what its Content-Encoding says ({error})"
                raise BodyRefusedError(reason, is_push=self._commands is not None) from None
            rest = b"" if self._unpacker.eof else self._unpacker.unconsumed_tail
            if piece:
                yield piece
            elif rest == data:
                return

    def _too_large(self) -> str:
        if self._commands is None:
            return f"the request has more than {UPLOAD_PACK_BYTES:,} bytes: fetch fewer refs at once"
        return f"the push has more than {self._max_bytes:,} bytes: push less, or raise TIDEGATE_MAX_PUSH_BYTES"


class Commands:
    """Follows the packet lines before a pack: each begins with its length in four hexadecimal digits; 0000 ends."""

    def __init__(self) -> None:
        self._head = b""
        self._skip = 0
        self._seen = 0
        self._over = False

    def feed(self, data: bytes) -> None:
        """Raises BodyRefusedError: they are too many, or no packet lines."""
        at = 0
        while not self._over and at < len(data):
            step = min(self._skip, len(data) - at)
            self._skip -= step
            at += step
            self._count(step)
            if self._skip or at == len(data):
                continue
            taken = data[at : at + _LENGTH - len(self._head)]
            self._head += taken
            at += len(taken)
            self._count(len(taken))
            if len(self._head) == _LENGTH:
                self._begin_line()

    def _begin_line(self) -> None:
        try:
            length = int(self._head, 16)
        except ValueError:
            raise BodyRefusedError("the push is not what git sends: update your git", is_push=True) from None
        self._head = b""
        self._over = length == 0
        self._skip = max(0, length - _LENGTH)

    def _count(self, size: int) -> None:
        self._seen += size
        if self._seen > COMMAND_BYTES:
            reason = "the push names too many branches and tags at once: push some of them at a time"
            raise BodyRefusedError(reason, is_push=True)
